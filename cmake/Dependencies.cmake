# Finds the libraries that the distribution provides. The versions are those of Debian 12, the oldest system that is
# tested. If a library is missing or older the configure step fails and names its package.

function(rotv_missing name debian fedora)
  message(FATAL_ERROR "rotv-sync needs ${name}.\n"
    "  Debian, Ubuntu: sudo apt-get install ${debian}\n"
    "  Fedora (untested): sudo dnf install ${fedora}\n"
    "  or run ./dev build, which installs everything.")
endfunction()

include(CheckCXXSourceCompiles)
find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
  rotv_missing("pkg-config" pkg-config pkgconf)
endif()

# Makes rotv::TARGET of the library that pkg-config knows as MODULE, at least of this version.
function(rotv_find_library target module version debian fedora)
  pkg_check_modules(${target} QUIET IMPORTED_TARGET GLOBAL ${module}>=${version})
  if(NOT ${target}_FOUND)
    rotv_missing("${module} ${version} or later" "${debian}" "${fedora}")
  endif()
  add_library(rotv::${target} ALIAS PkgConfig::${target})
endfunction()

rotv_find_library(pq libpq 15 libpq-dev libpq-devel)
rotv_find_library(ssh libssh 0.10 libssh-dev libssh-devel)
rotv_find_library(rocksdb_shared rocksdb 7.8 librocksdb-dev rocksdb-devel)
rotv_find_library(zstd libzstd 1.5.4 libzstd-dev libzstd-devel)
rotv_find_library(zlib zlib 1.2.13 zlib1g-dev zlib-devel)
rotv_find_library(fmt fmt 9.1 libfmt-dev fmt-devel)
rotv_find_library(xxhash libxxhash 0.8.1 libxxhash-dev xxhash-devel)
rotv_find_library(curl libcurl 7.88 libcurl4-openssl-dev libcurl-devel)
rotv_find_library(sodium libsodium 1.0.18 libsodium-dev libsodium-devel)
rotv_find_library(utf8proc libutf8proc 2.6 libutf8proc-dev utf8proc-devel)

# Its headers alone: the flags of its library would have every file link it.
pkg_check_modules(tomlplusplus QUIET tomlplusplus>=3.3)
if(NOT tomlplusplus_FOUND)
  rotv_missing("tomlplusplus 3.3 or later" libtomlplusplus-dev tomlplusplus-devel)
endif()
add_library(rotv::tomlplusplus INTERFACE IMPORTED GLOBAL)
target_include_directories(rotv::tomlplusplus SYSTEM INTERFACE ${tomlplusplus_INCLUDE_DIRS})

# Makes rotv::TARGET of the imported target of a CMake package.
function(rotv_find_package target package version imported debian fedora)
  find_package(${package} ${version} QUIET)
  if(NOT ${package}_FOUND)
    rotv_missing("${package} ${version} or later" "${debian}" "${fedora}")
  endif()
  set_target_properties(${imported} PROPERTIES IMPORTED_GLOBAL TRUE)
  add_library(rotv::${target} ALIAS ${imported})
endfunction()

rotv_find_package(cli11 CLI11 2.1 CLI11::CLI11 libcli11-dev cli11-devel)
rotv_find_package(json nlohmann_json 3.11 nlohmann_json::nlohmann_json nlohmann-json3-dev json-devel)

find_package(Threads REQUIRED)
find_package(Protobuf 3.21)
if(NOT Protobuf_FOUND OR NOT Protobuf_PROTOC_EXECUTABLE)
  rotv_missing("protobuf and protoc 3.21 or later" "libprotobuf-dev protobuf-compiler" "protobuf-devel protobuf-compiler")
endif()

# A command that does little, such as a pull with nothing new, spends most of its time in the dynamic linker, and most of
# that on these two libraries. Where the distribution has archives of them that link, the two programs take these; tests
# do not, since hundreds of megabytes more would be written for them, nor does a build with sanitizers.
option(ROTV_STATIC "Link RocksDB and protobuf into the programs, which then start in two thirds of the time" ON)

# Makes rotv::TARGET: the library SHARED, but for a program with the property ROTV_STATIC the archive NAME with what it
# needs, if SOURCE can be linked with these.
function(rotv_prefer_archive target shared name source)
  add_library(${target}_in_programs INTERFACE IMPORTED GLOBAL)
  add_library(rotv::${target} ALIAS ${target}_in_programs)
  find_library(ROTV_ARCHIVE_${target} NAMES lib${name}.a)
  if(ROTV_STATIC AND ROTV_ARCHIVE_${target} AND NOT ROTV_SANITIZE AND NOT ROTV_FUZZ)
    set(CMAKE_REQUIRED_LIBRARIES ${ROTV_ARCHIVE_${target}} ${ARGN})
    set(CMAKE_REQUIRED_QUIET ON)
    check_cxx_source_compiles("${source}" ROTV_ARCHIVE_LINKS_${target})
  endif()
  if(ROTV_ARCHIVE_LINKS_${target})
    set(in_programs $<BOOL:$<TARGET_PROPERTY:ROTV_STATIC>>)
    target_link_libraries(${target}_in_programs INTERFACE
      $<${in_programs}:${ROTV_ARCHIVE_${target}}> ${ARGN} $<$<NOT:${in_programs}>:${shared}>)
  else()
    target_link_libraries(${target}_in_programs INTERFACE ${shared})
  endif()
endfunction()

rotv_prefer_archive(rocksdb PkgConfig::rocksdb_shared rocksdb [[
  #include <rocksdb/db.h>
  int main() { rocksdb::DB* db; return rocksdb::DB::Open({}, "", &db).ok(); }]]
  -lsnappy -lgflags -llz4 -lbz2 PkgConfig::zstd PkgConfig::zlib Threads::Threads ${CMAKE_DL_LIBS})
rotv_prefer_archive(protobuf "${Protobuf_LIBRARIES}" protobuf [[
  #include <google/protobuf/message.h>
  int main(int, char**) { return google::protobuf::MessageFactory::generated_factory() != nullptr; }]]
  PkgConfig::zlib Threads::Threads)

if(ROTV_TESTS)
  find_package(GTest 1.12)
  if(NOT GTest_FOUND)
    rotv_missing("GoogleTest 1.12 or later" "libgtest-dev libgmock-dev" "gtest-devel gmock-devel")
  endif()
endif()
if(ROTV_BENCHMARKS)
  find_package(benchmark)
  if(NOT benchmark_FOUND)
    rotv_missing("Google Benchmark" "libbenchmark-dev" "google-benchmark-devel")
  endif()
endif()
