#include "tests/bench/bench_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace rotv::bench {
namespace {

using testing::Connection;
using testing::PostgresServer;

constexpr size_t kPieceBytes = size_t{4} << 20;

constexpr const char* kTables = R"(
CREATE TABLE users (
  id serial PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, is_admin boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL, last_seen_at timestamptz);
CREATE TABLE pois (
  id serial PRIMARY KEY, name varchar(200) NOT NULL, kind text NOT NULL, latitude numeric(10,8), longitude numeric(11,8),
  description text, properties jsonb, updated_at timestamp NOT NULL);
CREATE TABLE news (
  id serial PRIMARY KEY, poi_id integer REFERENCES pois, title text NOT NULL, body text, published_on date);
CREATE TABLE events (
  id serial PRIMARY KEY, poi_id integer REFERENCES pois, title text NOT NULL, description text,
  starts_at timestamptz NOT NULL, ends_at timestamptz, price numeric(8,2));
CREATE TABLE sessions (
  sid text PRIMARY KEY, user_id integer, sess jsonb NOT NULL, expire timestamp(6) NOT NULL);
CREATE INDEX sessions_expire_idx ON sessions (expire);
CREATE TABLE page_views (
  id bigserial PRIMARY KEY, user_id integer, path text NOT NULL, referrer text, viewed_at timestamptz NOT NULL,
  milliseconds integer NOT NULL);
CREATE TABLE pictures (
  id serial PRIMARY KEY, poi_id integer REFERENCES pois, title text NOT NULL, mime_type text NOT NULL, bytes bytea);
)";

// Text whose words have the frequencies of a language, so that it compresses like such text.
class Writer {
 public:
  Writer() {
    constexpr const char* kSyllables[] = {"ca", "no", "the", "val", "ley",  "ri", "ver", "in", "tra", "il", "mo",
                                          "un", "ta", "ste", "am",  "rail", "er", "o",   "de", "sta", "on", "king"};
    std::uniform_int_distribution<size_t> syllable(0, std::size(kSyllables) - 1);
    for (int i = 0; i < 6000; ++i) {
      std::string word;
      for (uint64_t left = 1 + Below(i < 100 ? 2 : 4); left > 0; --left) word += kSyllables[syllable(random_)];
      words_.push_back(word);
    }
  }

  uint64_t Below(uint64_t limit) { return std::uniform_int_distribution<uint64_t>(0, limit - 1)(random_); }
  int64_t Between(int64_t first, int64_t last) { return std::uniform_int_distribution<int64_t>(first, last)(random_); }

  std::string Words(int64_t count) {
    std::string text;
    for (int64_t i = 0; i < count; ++i) {
      // The word of rank r is about 1/r as frequent as the first.
      double rank = std::pow(static_cast<double>(words_.size()), std::uniform_real_distribution<double>(0, 1)(random_));
      if (i > 0) text += i % 12 == 0 ? ". " : " ";
      text += words_[std::min(words_.size() - 1, static_cast<size_t>(rank) - 1)];
    }
    return text;
  }

  std::string Hex(size_t bytes) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes * 2);
    while (text.size() < bytes * 2) {
      for (uint64_t value = random_(), i = 0; i < 16 && text.size() < bytes * 2; ++i, value >>= 4) {
        text += kDigits[value & 15];
      }
    }
    return text;
  }

  std::string Time() {
    return fmt::format("2025-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00", Between(1, 12), Between(1, 28), Below(24),
                       Below(60), Below(60), Below(1'000'000));
  }
  std::string Date() { return fmt::format("2025-{:02}-{:02}", Between(1, 12), Between(1, 28)); }

 private:
  std::mt19937_64 random_{20250411};
  std::vector<std::string> words_;
};

// COPY runs in pieces, so that this program stays small: Linux counts its memory into the peak of the programs that it
// starts.
void Fill(Connection& connection, const std::string& copy, int64_t rows,
          const std::function<std::string(int64_t)>& line) {
  std::string piece;
  for (int64_t id = 1; id <= rows; ++id) {
    piece += line(id) + "\n";
    if (piece.size() < kPieceBytes && id < rows) continue;
    connection.CopyIn("COPY " + copy + " FROM STDIN", piece);
    piece.clear();
  }
}

struct Shares {
  explicit Shares(int64_t rows)
      : users(rows / 20),
        pois(rows / 20),
        news(rows * 3 / 100),
        events(rows / 5),
        sessions(rows * 17 / 100),
        page_views(rows - users - pois - news - events - sessions) {}
  int64_t users, pois, news, events, sessions, page_views;
};

void FillSmall(Connection& connection, Writer& w, const Shares& shares) {
  Fill(connection, "users (email, name, is_admin, created_at, last_seen_at)", shares.users, [&](int64_t id) {
    return fmt::format("{}.{}@example.org\t{}\t{}\t{}\t{}", w.Words(1), id, w.Words(2), id % 500 == 0 ? "t" : "f",
                       w.Time(), id % 7 == 0 ? "\\N" : w.Time());
  });
  Fill(connection, "pois (name, kind, latitude, longitude, description, properties, updated_at)", shares.pois,
       [&](int64_t) {
         return fmt::format("{}\t{}\t41.{:08}\t-81.{:08}\t{}\t{{\"surface\": \"{}\", \"length\": {}}}\t{}",
                            w.Words(w.Between(2, 5)), w.Words(1), w.Below(100'000'000), w.Below(100'000'000),
                            w.Words(w.Between(40, 200)), w.Words(1), w.Below(10'000), w.Time());
       });
  Fill(connection, "news (poi_id, title, body, published_on)", shares.news, [&](int64_t) {
    return fmt::format("{}\t{}\t{}\t{}", w.Between(1, shares.pois), w.Words(w.Between(5, 12)),
                       w.Words(w.Between(100, 400)), w.Date());
  });
  Fill(connection, "events (poi_id, title, description, starts_at, ends_at, price)", shares.events, [&](int64_t id) {
    return fmt::format("{}\t{}\t{}\t{}\t{}\t{}", w.Between(1, shares.pois), w.Words(w.Between(3, 8)),
                       w.Words(w.Between(10, 60)), w.Time(), id % 3 == 0 ? "\\N" : w.Time(),
                       id % 4 == 0 ? "\\N" : fmt::format("{}.50", w.Below(90)));
  });
  Fill(connection, "sessions (sid, user_id, sess, expire)", shares.sessions, [&](int64_t id) {
    return fmt::format(
        "s{:08}-{}\t{}\t{{\"cookie\": {{\"path\": \"/\", \"httpOnly\": true, \"originalMaxAge\": 86400000}}, "
        "\"lastPath\": \"/{}\"}}\t{}",
        id, w.Hex(12), w.Between(1, shares.users), w.Words(1), w.Time());
  });
  Fill(connection, "page_views (user_id, path, referrer, viewed_at, milliseconds)", shares.page_views, [&](int64_t id) {
    return fmt::format("{}\t/{}/{}\t{}\t{}\t{}", id % 3 == 0 ? "\\N" : std::to_string(w.Between(1, shares.users)),
                       w.Words(1), w.Below(50'000), id % 2 == 0 ? "\\N" : "https://www.example.org/" + w.Words(1),
                       w.Time(), w.Below(3'000));
  });
}

}  // namespace

DataSize Scaled(double factor) {
  auto scaled = [factor](int64_t count) {
    return std::max<int64_t>(1, std::llround(static_cast<double>(count) * factor));
  };
  const DataSize full;
  return {.small_rows = scaled(full.small_rows),
          .pictures = scaled(full.pictures),
          .changes = scaled(full.changes),
          .bulk_rows = scaled(full.bulk_rows)};
}

void LoadData(const PostgresServer& server, const DataSize& size) {
  Connection connection = server.NewConnection();
  connection.Exec(kTables);
  Writer w;
  Shares shares(size.small_rows);
  FillSmall(connection, w, shares);
  Fill(connection, "pictures (poi_id, title, mime_type, bytes)", size.pictures, [&](int64_t) {
    return fmt::format("{}\t{}\timage/jpeg\t\\\\x{}", w.Between(1, shares.pois), w.Words(4),
                       w.Hex(static_cast<size_t>(w.Between(50'000, 500'000))));
  });
  server.Exec("VACUUM ANALYZE", testing::kSuperuser);
}

namespace {

// `count` transactions of five changes. Rows are chosen by a step that is coprime to every size used here; the deleted
// views are the oldest ones from `first_view` on.
std::string SmallTransactions(int64_t count, int64_t first_view, int64_t salt, const Shares& shares) {
  return fmt::format(R"(
DO $$
BEGIN
  FOR i IN 1..{} LOOP
    INSERT INTO page_views (user_id, path, referrer, viewed_at, milliseconds)
      VALUES (i % {} + 1, '/trail/' || i, NULL, now(), i % 3000),
             (NULL, '/news/' || i, 'https://www.example.org/search', now(), i % 700);
    UPDATE users SET last_seen_at = now() WHERE id = (i::bigint * 7919 + {}) % {} + 1;
    UPDATE events SET title = 'moved ' || i, price = i % 90 WHERE id = (i::bigint * 104729 + {}) % {} + 1;
    DELETE FROM page_views WHERE id = {} + i;
    COMMIT;
  END LOOP;
END $$)",
                     count, shares.users, salt, shares.users, salt, shares.events, first_view);
}

}  // namespace

void MakeChanges(const PostgresServer& server, const DataSize& size) {
  Shares shares(size.small_rows);
  int64_t small = size.changes / 10;
  int64_t large = size.changes / 2;
  int64_t last_view = std::stoll(server.Value("SELECT max(id) FROM page_views"));
  Connection connection = server.NewConnection();
  connection.Exec("SET synchronous_commit = off");
  connection.Exec(SmallTransactions(small / 2, shares.page_views / 10, 1, shares));
  connection.Exec(
      fmt::format("UPDATE page_views SET milliseconds = milliseconds + 1 WHERE id > {}", last_view - large * 4 / 10));
  connection.Exec("UPDATE pictures SET title = 'renamed: ' || title");
  connection.Exec(
      fmt::format("INSERT INTO page_views (user_id, path, viewed_at, milliseconds) "
                  "SELECT i % {} + 1, '/poi/' || i % 50000, now(), i % 3000 FROM generate_series(1, {}) i",
                  shares.users, large * 3 / 10));
  connection.Exec(fmt::format("DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions ORDER BY sid LIMIT {})",
                              large * 2 / 10));
  connection.Exec(fmt::format("UPDATE events SET description = left(description, 100) WHERE id <= {}", large / 10));
  connection.Exec(SmallTransactions(small - small / 2, shares.page_views / 10 + small / 2, 2, shares));
  connection.Exec("SET synchronous_commit = on");
  connection.Exec("UPDATE pois SET updated_at = now() WHERE id = 1");  // Flushes the WAL up to here.
}

void ChangeOnePercent(const PostgresServer& server, const DataSize& size, int64_t round) {
  int64_t count = std::max<int64_t>(1, size.small_rows / 500);
  Connection connection = server.NewConnection();
  connection.Exec("SET synchronous_commit = off");
  connection.Exec(SmallTransactions(count, round * count, round * 31, Shares(size.small_rows)));
  connection.Exec("SET synchronous_commit = on");
  connection.Exec("UPDATE pois SET updated_at = now() WHERE id = 1");
}

void MakeOneLargeTransaction(const PostgresServer& server, const DataSize& size) {
  server.Exec(
      fmt::format("INSERT INTO page_views (user_id, path, viewed_at, milliseconds) "
                  "SELECT i, '/bulk/' || i, now(), i % 3000 FROM generate_series(1, {}) i",
                  size.bulk_rows));
}

}  // namespace rotv::bench
