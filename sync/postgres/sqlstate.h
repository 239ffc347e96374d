// The SQLSTATEs that decide what this program does. Others it only shows.
// Source: PostgreSQL manual, appendix "PostgreSQL Error Codes".

#pragma once

#include <string_view>

namespace rotv::postgres::sqlstate {

inline constexpr std::string_view kInvalidParameterValue = "22023";
inline constexpr std::string_view kInvalidSchemaName = "3F000";
inline constexpr std::string_view kDeadlockDetected = "40P01";
inline constexpr std::string_view kInsufficientPrivilege = "42501";
inline constexpr std::string_view kUndefinedColumn = "42703";
inline constexpr std::string_view kUndefinedObject = "42704";
inline constexpr std::string_view kWrongObjectType = "42809";
inline constexpr std::string_view kUndefinedTable = "42P01";
inline constexpr std::string_view kNotInPrerequisiteState = "55000";
inline constexpr std::string_view kObjectInUse = "55006";
inline constexpr std::string_view kLockNotAvailable = "55P03";
inline constexpr std::string_view kQueryCanceled = "57014";

// Classes: what a SQLSTATE begins with.
inline constexpr std::string_view kConnectionExceptions = "08";
inline constexpr std::string_view kDataExceptions = "22";
inline constexpr std::string_view kConstraintViolations = "23";
inline constexpr std::string_view kServerLimits = "5";  // The server's own limits and state, 53 to 58.
inline constexpr std::string_view kInsufficientResources = "53";
inline constexpr std::string_view kShutdowns = "57P";
inline constexpr std::string_view kRaisedByFunctions = "P0";

}  // namespace rotv::postgres::sqlstate
