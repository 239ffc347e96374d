// What an S3 store's refusal means, and what to do about it.

#pragma once

#include <string>

#include "storage/error.h"
#include "sync/http/http_client.h"
#include "sync/remote/s3_address.h"

namespace rotv::remote {

// The code in an answer's body: "NoSuchBucket"; empty if there is none.
std::string S3Code(const http::Answer& answer);

// What an answer to a copy means: one that begins with 200, and tells in its body that the copy has failed after all,
// with the status that it should have had.
http::Answer AnswerOfCopy(http::Answer answer);

// True if another attempt may succeed.
bool IsTransientS3(const http::Answer& answer);

// `action` is what was asked for, in words that follow "may not": "read the head".
Error S3Error(const http::Answer& answer, const S3Address& address, const std::string& action);

}  // namespace rotv::remote
