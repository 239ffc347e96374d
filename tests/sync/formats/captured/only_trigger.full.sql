--
-- PostgreSQL database dump
--

\restrict m4TYkdPs1tor5V086KbwMqSkiAuJYd7NIolhCBHfDvzKBocvL20Z9nNYyoTiXHQ

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

DROP TRIGGER IF EXISTS t ON public.t;
DROP TABLE IF EXISTS public.t;
SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: t; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.t (
    a integer
);


--
-- Data for Name: t; Type: TABLE DATA; Schema: public; Owner: -
--

COPY public.t (a) FROM stdin;
\.


--
-- Name: t t; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER t BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();


--
-- PostgreSQL database dump complete
--

\unrestrict m4TYkdPs1tor5V086KbwMqSkiAuJYd7NIolhCBHfDvzKBocvL20Z9nNYyoTiXHQ

