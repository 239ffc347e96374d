--
-- PostgreSQL database dump
--

\restrict 2BNt6JBcXHrf1z0uRK13BxdCtLzMVqkv9VreI99zMmqpzThDTirQnzcry26CnHL

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

--
-- Name: t t; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER t BEFORE UPDATE ON public.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();


--
-- PostgreSQL database dump complete
--

\unrestrict 2BNt6JBcXHrf1z0uRK13BxdCtLzMVqkv9VreI99zMmqpzThDTirQnzcry26CnHL

