--
-- PostgreSQL database dump
--

\restrict 7k5HLFXzEnoVn0AmUUpOtQaKJ4MSwaecjBHSLlMacNqftSe2cQYsDk6KSUU8zcX

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
2
1
\.


--
-- PostgreSQL database dump complete
--

\unrestrict 7k5HLFXzEnoVn0AmUUpOtQaKJ4MSwaecjBHSLlMacNqftSe2cQYsDk6KSUU8zcX

