--
-- PostgreSQL database dump
--

\restrict jwcjVpOMNSXbuZpXbZs8nBcuCvXPaTf2Hcu9IfU9wWgoV2tXPNvIvoBgY4HupTl

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


SET default_table_access_method = heap;

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

\unrestrict jwcjVpOMNSXbuZpXbZs8nBcuCvXPaTf2Hcu9IfU9wWgoV2tXPNvIvoBgY4HupTl

