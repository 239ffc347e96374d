#include "sync/postgres/fingerprint.h"

#include "sync/postgres/statement_batch.h"

namespace rotv::postgres {
namespace {

// Hashes the rows of each catalogue that pg_dump reads, mostly by oid and xmin, since every change of a catalogue row
// changes its xmin. The number at the front keeps rows of different catalogues apart. Rows 49 and 50 are settings that
// a started database has in common with the source (database_facts.h).
constexpr const char* kSchemaSql = R"(
WITH u AS (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(temp|toast)'),
t AS (SELECT oid FROM pg_class WHERE relpersistence = 't')
SELECT coalesce(bit_xor(h), 0) FROM (
 SELECT hash_record_extended(row(1,oid,xmin),0) h FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
 UNION ALL SELECT hash_record_extended(row(2,oid,relname,relnamespace,relkind,relpersistence,relreplident,relispartition,relam,reltablespace,relowner,relrowsecurity,relforcerowsecurity,reloptions::text,reltoastrelid=0,relispopulated,reloftype),0) FROM pg_class WHERE oid>=16384 AND relnamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(3,attrelid,attnum,a.xmin),0) FROM pg_attribute a JOIN pg_class c ON c.oid=attrelid WHERE attrelid>=16384 AND attnum>0 AND relkind IN('r','p','v','m','c','f') AND relnamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(4,oid,xmin),0) FROM pg_type WHERE oid>=16384 AND typnamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(5,d.oid,d.xmin),0) FROM pg_attrdef d JOIN pg_class c ON c.oid=adrelid WHERE relnamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(6,oid,xmin),0) FROM pg_constraint WHERE oid>=16384 AND connamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(7,indexrelid,indisclustered,indisvalid,indisreplident,indkey::text),0) FROM pg_index i JOIN pg_class c ON c.oid=indexrelid WHERE indexrelid>=16384 AND relnamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(8,oid,xmin),0) FROM pg_proc WHERE oid>=16384 AND pronamespace NOT IN (SELECT oid FROM u)
 UNION ALL SELECT hash_record_extended(row(9,oid,xmin),0) FROM pg_rewrite WHERE oid>=16384 AND ev_class NOT IN (SELECT oid FROM t)
 UNION ALL SELECT hash_record_extended(row(10,oid,xmin),0) FROM pg_trigger WHERE tgrelid NOT IN (SELECT oid FROM t)
 UNION ALL SELECT hash_record_extended(row(11,oid,xmin),0) FROM pg_policy
 UNION ALL SELECT hash_record_extended(row(12,oid,xmin),0) FROM pg_enum
 UNION ALL SELECT hash_record_extended(row(13,objoid,classoid,objsubid,xmin),0) FROM pg_description WHERE objoid>=16384 AND NOT (classoid='pg_class'::regclass AND objoid IN (SELECT oid FROM t)) OR classoid IN ('pg_namespace'::regclass,'pg_largeobject'::regclass)
 UNION ALL SELECT hash_record_extended(row(14,inhrelid,inhparent,inhseqno,inhdetachpending),0) FROM pg_inherits WHERE inhrelid NOT IN (SELECT oid FROM t)
 UNION ALL SELECT hash_record_extended(row(15,seqrelid,xmin),0) FROM pg_sequence WHERE seqrelid NOT IN (SELECT oid FROM t)
 UNION ALL SELECT hash_record_extended(row(16,oid,xmin),0) FROM pg_extension
 UNION ALL SELECT hash_record_extended(row(17,oid,xmin),0) FROM pg_event_trigger
 UNION ALL SELECT hash_record_extended(row(18,oid,xmin),0) FROM pg_statistic_ext WHERE stxrelid NOT IN (SELECT oid FROM t)
 UNION ALL SELECT hash_record_extended(row(19,rngtypid,xmin),0) FROM pg_range
 UNION ALL SELECT hash_record_extended(row(20,partrelid,xmin),0) FROM pg_partitioned_table WHERE partrelid NOT IN (SELECT oid FROM t)
 UNION ALL SELECT hash_record_extended(row(21,oid,xmin),0) FROM pg_foreign_data_wrapper UNION ALL SELECT hash_record_extended(row(22,oid,xmin),0) FROM pg_foreign_server UNION ALL SELECT hash_record_extended(row(23,ftrelid,xmin),0) FROM pg_foreign_table
 UNION ALL SELECT hash_record_extended(row(24,oid,xmin),0) FROM pg_operator WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(25,oid,xmin),0) FROM pg_opclass WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(26,oid,xmin),0) FROM pg_opfamily WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(27,oid,xmin),0) FROM pg_amop WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(28,oid,xmin),0) FROM pg_amproc WHERE oid>=16384
 UNION ALL SELECT hash_record_extended(row(29,aggfnoid::oid,xmin),0) FROM pg_aggregate WHERE aggfnoid>=16384 UNION ALL SELECT hash_record_extended(row(30,oid,xmin),0) FROM pg_cast WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(31,oid,xmin),0) FROM pg_collation WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(32,oid,xmin),0) FROM pg_conversion WHERE oid>=16384
 UNION ALL SELECT hash_record_extended(row(33,oid,xmin),0) FROM pg_language UNION ALL SELECT hash_record_extended(row(34,oid,xmin),0) FROM pg_am UNION ALL SELECT hash_record_extended(row(35,oid,xmin),0) FROM pg_transform UNION ALL SELECT hash_record_extended(row(36,oid,xmin),0) FROM pg_ts_config WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(37,oid,xmin),0) FROM pg_ts_dict WHERE oid>=16384 UNION ALL SELECT hash_record_extended(row(38,oid,xmin),0) FROM pg_ts_parser UNION ALL SELECT hash_record_extended(row(39,oid,xmin),0) FROM pg_ts_template UNION ALL SELECT hash_record_extended(row(40,mapcfg,maptokentype,mapseqno,xmin),0) FROM pg_ts_config_map WHERE mapcfg>=16384
 UNION ALL SELECT hash_record_extended(row(41,objoid,classoid,objsubid,provider,label),0) FROM pg_seclabel
 UNION ALL SELECT hash_record_extended(row(42,oid,rolname),0) FROM pg_roles
 UNION ALL SELECT hash_record_extended(row(43,objid,classid,refobjid,deptype),0) FROM pg_depend WHERE objid>=16384 AND (deptype='a' AND classid IN ('pg_class'::regclass,'pg_proc'::regclass) OR deptype IN ('e','x')) AND NOT (classid='pg_class'::regclass AND objid IN (SELECT oid FROM t))
 UNION ALL SELECT hash_record_extended(row(44,oid,reloptions::text),0) FROM pg_class WHERE relkind='t' AND relpersistence<>'t' AND reloptions IS NOT NULL
 UNION ALL SELECT hash_record_extended(row(45,attrelid,attnum,attstattarget),0) FROM pg_attribute a JOIN pg_class c ON c.oid=attrelid WHERE attrelid>=16384 AND attnum>0 AND attstattarget>=0 AND relkind IN('i','I') AND relpersistence<>'t'
 UNION ALL SELECT hash_record_extended(row(46,umid,srvid,umuser,umoptions::text),0) FROM pg_user_mappings
 UNION ALL SELECT hash_record_extended(row(47,oid,spcname),0) FROM pg_tablespace
 UNION ALL SELECT hash_record_extended(row(48,current_setting('standard_conforming_strings')),0)
 UNION ALL SELECT hash_record_extended(row(49,setdatabase,setrole,setconfig::text),0) FROM pg_db_role_setting WHERE setdatabase IN (0,(SELECT oid FROM pg_database WHERE datname=current_database()))
 UNION ALL SELECT hash_record_extended(row(50,current_setting('lc_messages'),current_setting('lc_numeric'),current_setting('lc_time'),current_setting('default_text_search_config')),0)
 UNION ALL SELECT hash_record_extended(row(51,oid,xmin),0) FROM pg_default_acl
) z
)";

// Hashes for each table: names, persistence, identity index, columns with xmin and missing value, the closure of its
// types (enum labels, composite attributes, domains, ranges, and lc_monetary for money: it is the one setting that the
// text of a type of PostgreSQL depends on and that pg_dump does not pin), and its row in our publication. The table's
// file is left out: TRUNCATE (which is streamed) and VACUUM FULL (which changes no row) give it a new one, and every
// other rewrite changes pg_attribute.
constexpr const char* kTableFingerprintsSql = R"(
WITH RECURSIVE
ns AS (SELECT oid, nspname FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_' OR nspname = 'public'),
rel AS (SELECT c.oid, c.xmin, c.relname, n.nspname, c.relkind, c.relpersistence, c.relreplident, c.relispartition, c.relam, c.relrowsecurity, c.relforcerowsecurity, c.relhassubclass
        FROM pg_class c JOIN ns n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','f','m') AND c.relpersistence <> 't'),
att AS (SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated, a.attisdropped, a.atthasmissing, a.attmissingval, a.xmin
        FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid WHERE a.attnum > 0),
tc(root, typ) AS (SELECT DISTINCT atttypid, atttypid FROM att WHERE atttypid <> 0
   UNION SELECT tc.root, k.child FROM tc, LATERAL (
     SELECT t.typbasetype FROM pg_type t WHERE t.oid = tc.typ AND t.typbasetype <> 0
     UNION ALL SELECT t.typelem FROM pg_type t WHERE t.oid = tc.typ AND t.typelem <> 0
     UNION ALL SELECT a.atttypid FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid WHERE t.oid = tc.typ AND t.typrelid <> 0 AND a.attnum > 0 AND a.atttypid <> 0
     UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE tc.typ IN (r.rngtypid, r.rngmultitypid)) k(child)),
th AS (SELECT tc.root,
   bit_xor(hash_record_extended(row(t.oid, t.typoutput, p.xmin, p.prosrc), 1)) #
   coalesce(bit_xor(e.h),0) # coalesce(bit_xor(m.h),0) #
   coalesce(bit_xor(hash_record_extended(row(current_setting('lc_monetary')), 4)) FILTER (WHERE t.oid = 'money'::regtype), 0) AS h
   FROM tc JOIN pg_type t ON t.oid = tc.typ LEFT JOIN pg_proc p ON p.oid = t.typoutput
   LEFT JOIN LATERAL (SELECT bit_xor(hash_record_extended(row(x.oid, x.enumlabel), 2)) h FROM pg_enum x WHERE x.enumtypid = t.oid) e ON true
   LEFT JOIN LATERAL (SELECT bit_xor(hash_record_extended(row(x.attrelid, x.attnum, x.atttypid, x.atttypmod, x.attisdropped), 3)) h FROM pg_attribute x WHERE t.typrelid <> 0 AND x.attrelid = t.typrelid AND x.attnum > 0) m ON true
   GROUP BY tc.root),
cols AS (SELECT a.attrelid, md5(string_agg(concat_ws(',', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attgenerated, a.attisdropped::int, a.atthasmissing::int, a.attmissingval, a.xmin, th.h), ';' ORDER BY a.attnum)) AS h
   FROM att a LEFT JOIN th ON th.root = a.atttypid GROUP BY a.attrelid),
idx AS (SELECT i.indrelid, string_agg(concat_ws(',', i.indexrelid, i.indisprimary::int, i.indisreplident::int, i.indimmediate::int, i.indisvalid::int, i.indkey::text), ';' ORDER BY i.indexrelid) AS k
   FROM pg_index i JOIN rel r ON r.oid = i.indrelid WHERE i.indisprimary OR i.indisreplident GROUP BY i.indrelid),
dep AS (SELECT d.objid, d.refobjid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'),
f AS (SELECT r.oid, md5(concat_ws('|', r.nspname, r.relname, r.relkind, r.relpersistence, r.relreplident, r.relispartition::int, r.relrowsecurity::int, r.relforcerowsecurity::int, cols.h, idx.k, dep.refobjid,
     (SELECT string_agg(concat_ws(':', pr.oid, pr.xmin, p.xmin, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot), ',' ORDER BY pr.oid) FROM pg_publication_rel pr JOIN pg_publication p ON p.oid = pr.prpubid
      WHERE pr.prrelid = r.oid AND p.pubname = @PUBLICATION@))) AS h
   FROM rel r LEFT JOIN cols ON cols.attrelid = r.oid LEFT JOIN idx ON idx.indrelid = r.oid LEFT JOIN dep ON dep.objid = r.oid)
SELECT coalesce(bit_xor(hash_record_extended(row(oid, h), 0)), 0) FROM f
)";

}  // namespace

std::vector<std::string> FingerprintStatements(const PgConnection& connection, const std::string& publication) {
  // The query of the tables uses unqualified names of pg_catalog only, which are found with an empty search_path too.
  std::string tables = kTableFingerprintsSql;
  const std::string placeholder = "@PUBLICATION@";
  tables.replace(tables.find(placeholder), placeholder.size(), connection.QuoteLiteral(publication));
  return {kSchemaSql, tables};
}

Fingerprint ParseFingerprint(std::span<const PgResult> results) { return {results[0].Get(0, 0), results[1].Get(0, 0)}; }

Fingerprint ReadFingerprint(PgConnection& connection, const std::string& publication) {
  StatementBatch batch;
  batch.Add(FingerprintStatements(connection, publication));
  return ParseFingerprint(connection.QueryAll(batch.sql()));
}

}  // namespace rotv::postgres
