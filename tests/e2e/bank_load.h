// A load in which a torn state can be recognized: money moves, and its sums agree in every committed state.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "tests/support/servers/rotv_home.h"

namespace rotv::testing {

class BankLoad {
 public:
  // Creates the tables.
  explicit BankLoad(RotvHome& rotv) : rotv_(rotv) {
    rotv.server().Exec(
        "CREATE TABLE account (id int PRIMARY KEY, balance bigint);"
        "CREATE TABLE teller (id text PRIMARY KEY, balance bigint); ALTER TABLE teller REPLICA IDENTITY FULL;"
        "CREATE TABLE history (account int, delta bigint); ALTER TABLE history REPLICA IDENTITY FULL;"
        "CREATE TABLE journal (id bigserial PRIMARY KEY, account int, delta bigint);"
        "INSERT INTO account SELECT n, 0 FROM generate_series(1, 2000) n;"
        "INSERT INTO teller SELECT 't' || n, 0 FROM generate_series(1, 20) n");
    WriteFile(rotv.directory() / "bank.sql",
              "\\set a random(1, 2000)\n\\set t random(1, 20)\n\\set d random(-5000, 5000)\n"
              "BEGIN;\n"
              "UPDATE account SET balance = balance + :d WHERE id = :a;\n"
              "INSERT INTO history VALUES (:a, :d);\n"
              "UPDATE teller SET balance = balance + :d WHERE id = 't' || :t;\n"
              "INSERT INTO journal (account, delta) VALUES (:a, :d);\n"
              "END;\n");
  }
  ~BankLoad() { Stop(); }
  BankLoad(const BankLoad&) = delete;
  BankLoad& operator=(const BankLoad&) = delete;

  // Starts several writers, which run until Stop().
  void Start() {
    Command command;
    command.argv = {rotv_.server().bin_directory() / "pgbench",
                    "-n",
                    "-c",
                    "4",
                    "-T",
                    "3600",
                    "-R",
                    "1500",
                    "-f",
                    rotv_.directory() / "bank.sql",
                    rotv_.server().ConnectionString()};
    command.unset_env = {"PG*"};
    pgbench_ = std::make_unique<Process>(command);
    Connection connection = rotv_.server().NewConnection();
    const auto writing = [&] { return connection.Value("SELECT count(*) > 20 FROM journal") == "t"; };
    if (!WaitUntil(writing)) ADD_FAILURE() << "pgbench has failed: " << pgbench_->Err();
  }

  // All writers have ended on return.
  void Stop() {
    if (pgbench_ == nullptr) return;
    EXPECT_TRUE(pgbench_->Running()) << pgbench_->Err();
    pgbench_.reset();
    Connection connection = rotv_.server().NewConnection(kSuperuser);
    EXPECT_TRUE(WaitUntil([&] {
      return connection.Value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") == "0";
    }));
  }

 private:
  RotvHome& rotv_;
  std::unique_ptr<Process> pgbench_;
};

// The moved money in a seed: the sum of the last column of a table's rows, and their number.
struct BankSum {
  int64_t sum = 0;
  int64_t rows = 0;
  bool operator==(const BankSum&) const = default;
};

inline BankSum SumOf(std::string_view seed, std::string_view table) {
  const std::string begin = fmt::format("\nCOPY public.{} ", table);
  size_t at = seed.find(begin);
  if (at == std::string_view::npos) throw std::runtime_error("the seed has no table " + std::string(table));
  BankSum result;
  for (at = seed.find('\n', at + 1) + 1; !seed.substr(at).starts_with("\\."); at = seed.find('\n', at) + 1) {
    const std::string_view line = seed.substr(at, seed.find('\n', at) - at);
    result.sum += std::stoll(std::string(line.substr(line.rfind('\t') + 1)));
    ++result.rows;
  }
  return result;
}

// Returns the number of transactions in the seed, and fails the test if it has parts of one.
inline int64_t ExpectWholeTransactions(std::string_view seed) {
  const BankSum journal = SumOf(seed, "journal");
  EXPECT_EQ(SumOf(seed, "account").sum, journal.sum);
  EXPECT_EQ(SumOf(seed, "teller").sum, journal.sum);
  EXPECT_EQ(SumOf(seed, "history"), journal);
  EXPECT_EQ(SumOf(seed, "account").rows, 2000);
  return journal.rows;
}

}  // namespace rotv::testing
