// What a store or a webhook is asked, and what its answers mean. Nothing here talks to the network.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/declared.h"
#include "protocol/http_message.h"

namespace pg_ocr::http {

/// One HTTP request as it goes over the wire.
struct Call {
    std::string method = "GET";
    std::string url;
    std::vector<std::string> headers;  ///< 'name: value'
    bool uploads = false;              ///< the content that came with the request is its body
    bool posts = false;                ///< the request's body is its body
};

/// What is to be stored.
struct Content {
    int fd = -1;
    uint64_t size = 0;
};

/// What came back, as far as it is kept. All of it is a stranger's.
struct Answer {
    int32_t status = 0;
    std::string etag;             ///< as in the header
    std::string region;           ///< x-amz-bucket-region
    std::string error_code;       ///< x-ms-error-code
    std::string redirect_origin;  ///< scheme://host[:port] that it points to
    std::string body;             ///< of a fetch that went well: empty
};

class Store {
  public:
    virtual ~Store() = default;
    /// Throws StoreError where this cannot be asked of such a store.
    virtual Call call(const HttpRequest&, const Content&, std::time_t now) const = 0;
    /// What a status means that is not of success: of 3xx, 4xx and 5xx. Its message may hold secrets that came back.
    virtual Failure failure_of(const HttpRequest&, const Answer&) const = 0;
    /// Takes a page's objects and the next page's mark from an answer. Throws StoreError(store_refused) for what is no
    /// listing.
    virtual void read_listing(const HttpRequest&, const Answer&, HttpResponse&) const;
    /// 's3://bucket/key': what the request is about, in messages. Holds no secret.
    virtual std::string subject(const HttpRequest&) const = 0;
    /// Whether a fetch may go where the answer points to.
    virtual bool follows_redirects() const { return false; }
};

/// Throws StoreError where the options make none.
std::unique_ptr<Store> store_of(const HttpRequest&);

std::unique_ptr<Store> s3_store(const Declared&);
std::unique_ptr<Store> gcs_store(const Declared&);
std::unique_ptr<Store> azure_store(const Declared&);
std::unique_ptr<Store> https_store(const Declared&);
std::unique_ptr<Store> webhook(const Declared&);
std::unique_ptr<Store> provider(const Declared&);

/// Objects per page of a listing that are asked for.
inline constexpr const char* page_of_listing = "1000";

/// What a status means where the answer's body says nothing better; `detail` is put after the status.
Failure failure_of_status(const std::string& subject, int32_t status, const std::string& detail = "");
/// '404 Not Found'
std::string describe_status(int32_t status);
/// Throws StoreError(document_missing) where a fetch or put names no object: its URL would be the bucket's.
void require_key(const HttpRequest&, const std::string& subject);
/// An etag as it is kept: without quotes; empty where it is not printable ASCII or longer than 1024 bytes.
std::string bare_etag(std::string_view etag);
/// An object as it is passed on. False: its name cannot be held by a text of PostgreSQL, or is none.
bool is_listable(const StoredObject&);

}  // namespace pg_ocr::http
