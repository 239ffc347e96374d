--
-- PostgreSQL database dump
--

\restrict UqbxsXGuJoF9DTnXza53E9igSxWtpgPkiktn8J0i2E4oZY8VxeJpZppnfdHKqN7

-- Dumped from database version 15.20 (Debian 15.20-0+deb12u1)
-- Dumped by pg_dump version 15.20 (Debian 15.20-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

ALTER TABLE IF EXISTS ONLY public.child DROP CONSTRAINT IF EXISTS child_plain_id_fkey;
CREATE OR REPLACE VIEW public.grouped_view AS
SELECT
    NULL::integer AS id,
    NULL::text AS note;
DROP INDEX IF EXISTS public.range_a_idx;
ALTER TABLE IF EXISTS ONLY public.child DROP CONSTRAINT IF EXISTS child_pkey;
ALTER TABLE IF EXISTS public.plain DROP CONSTRAINT IF EXISTS a_first;
DROP MATERIALIZED VIEW IF EXISTS public.grouped_copy;
DROP FUNCTION IF EXISTS public.grouped();
ALTER TABLE IF EXISTS ONLY public.plain DROP CONSTRAINT IF EXISTS plain_pkey;
ALTER TABLE IF EXISTS public.child ALTER COLUMN id DROP DEFAULT;
DROP TABLE IF EXISTS public.z_elsewhere;
DROP TABLE IF EXISTS public."we
ird -- name";
DROP TABLE IF EXISTS public.range_low;
DROP TABLE IF EXISTS public.range;
DROP TABLE IF EXISTS public.no_columns;
DROP VIEW IF EXISTS public.grouped_view;
DROP SEQUENCE IF EXISTS public.child_id_seq;
DROP TABLE IF EXISTS public.child;
DROP FUNCTION IF EXISTS public.looks_like_a_dump();
DROP FUNCTION IF EXISTS public.counted(integer);
DROP TABLE IF EXISTS public.plain;
SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: plain; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.plain (
    id integer NOT NULL,
    note text,
    CONSTRAINT plain_note CHECK ((note <> ''::text))
);


--
-- Name: TABLE plain; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.plain IS 'first
-- not a comment

\restrict abc
COPY x FROM stdin;
it''s the last \';


--
-- Name: counted(integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.counted(integer) RETURNS bigint
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT count(*) AS count
    FROM public.plain
   WHERE (plain.id = $1);
 SELECT count(*) AS count
    FROM public.plain
   WHERE (plain.note = 'a;
-- b'::text);
END;


--
-- Name: looks_like_a_dump(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.looks_like_a_dump() RETURNS text
    LANGUAGE sql
    AS $$
-- PostgreSQL database dump

-- Dumped from database version 15
SELECT 'x

COPY x FROM stdin;
2	b
1	a
\.
\restrict foo
SET default_tablespace = '''';

\unrestrict foo
--
-- PostgreSQL database dump complete
--
'
$$;


--
-- Name: child; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.child (
    id integer NOT NULL,
    plain_id integer
);


--
-- Name: child_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.child_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: child_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.child_id_seq OWNED BY public.child.id;


--
-- Name: grouped_view; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.grouped_view AS
SELECT
    NULL::integer AS id,
    NULL::text AS note;


--
-- Name: no_columns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.no_columns (
);


--
-- Name: range; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.range (
    id integer,
    a integer
)
PARTITION BY RANGE (id);


--
-- Name: range_low; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.range_low (
    id integer,
    a integer
);


--
-- Name: we ird -- name; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public."we
ird -- name" (
    "col
umn" text,
    "COPY x FROM stdin;" integer
);


SET default_tablespace = rotv_capture;

--
-- Name: z_elsewhere; Type: TABLE; Schema: public; Owner: -; Tablespace: rotv_capture
--

CREATE TABLE public.z_elsewhere (
    id integer
);


--
-- Name: range_low; Type: TABLE ATTACH; Schema: public; Owner: -
--

ALTER TABLE ONLY public.range ATTACH PARTITION public.range_low FOR VALUES FROM (0) TO (10);


--
-- Name: child id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.child ALTER COLUMN id SET DEFAULT nextval('public.child_id_seq'::regclass);


SET default_tablespace = '';

--
-- Name: plain plain_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.plain
    ADD CONSTRAINT plain_pkey PRIMARY KEY (id);


--
-- Name: grouped(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.grouped() RETURNS SETOF text
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT plain.note
    FROM public.plain
   GROUP BY plain.id;
END;


--
-- Name: grouped_copy; Type: MATERIALIZED VIEW; Schema: public; Owner: -
--

CREATE MATERIALIZED VIEW public.grouped_copy AS
 SELECT plain.id,
    plain.note
   FROM public.plain
  GROUP BY plain.id
  WITH NO DATA;


--
-- Name: plain a_first; Type: CHECK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE public.plain
    ADD CONSTRAINT a_first CHECK ((id > 0)) NOT VALID;


--
-- Name: child child_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_pkey PRIMARY KEY (id);


--
-- Name: range_a_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX range_a_idx ON ONLY public.range USING btree (a);


--
-- Name: range_low_a_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX range_low_a_idx ON public.range_low USING btree (a);


--
-- Name: range_low_a_idx; Type: INDEX ATTACH; Schema: public; Owner: -
--

ALTER INDEX public.range_a_idx ATTACH PARTITION public.range_low_a_idx;


--
-- Name: grouped_view _RETURN; Type: RULE; Schema: public; Owner: -
--

CREATE OR REPLACE VIEW public.grouped_view AS
 SELECT plain.id,
    plain.note
   FROM public.plain
  GROUP BY plain.id;


--
-- Name: child child_plain_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_plain_id_fkey FOREIGN KEY (plain_id) REFERENCES public.plain(id);


--
-- Name: grouped_copy; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: -
--

REFRESH MATERIALIZED VIEW public.grouped_copy;


--
-- PostgreSQL database dump complete
--

\unrestrict UqbxsXGuJoF9DTnXza53E9igSxWtpgPkiktn8J0i2E4oZY8VxeJpZppnfdHKqN7

