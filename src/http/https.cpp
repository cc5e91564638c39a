// Plain web servers, with a token, a password, or neither, as for presigned URLs.
#include <utility>

#include "http/encoding.h"
#include "http/store.h"

namespace pg_ocr::http {
namespace {

// What URLs are made of, besides letters and digits. Keys come as they stand in a URL.
constexpr std::string_view of_urls = "!$&'()*+,;=:@/?%[]";

class HttpsStore : public Store {
  public:
    explicit HttpsStore(const Declared& declared)
        : endpoint_(parse_endpoint(declared.required("endpoint"), "endpoint")) {
        const std::string token = declared.text("bearer_token");
        const std::string user = declared.text("user");
        if (!token.empty())
            authorization_ = "Bearer " + token;
        else if (!user.empty())
            authorization_ = "Basic " + base64(user + ":" + declared.text("password"));
    }

    Call call(const HttpRequest& request, const Content&, std::time_t) const override {
        if (request.operation == HttpOperation::list)
            throw StoreError(
                ErrorCode::store_refused,
                "a store of type https cannot be listed: HTTP has no listing; name its documents one by one");
        Call call;
        call.url = endpoint_.origin() + path_of(request);
        if (request.operation == HttpOperation::put) {
            call.method = "PUT";
            call.uploads = true;
            if (!request.content_type.empty()) call.headers.push_back(header("content-type", request.content_type));
        }
        if (!authorization_.empty()) call.headers.push_back(header("authorization", authorization_));
        return call;
    }

    Failure failure_of(const HttpRequest& request, const Answer& answer) const override {
        const std::string about = subject(request);
        if (answer.status == 404 || answer.status == 410) return {ErrorCode::document_missing, "there is no " + about};
        if (answer.status >= 300 && answer.status < 400)
            return {ErrorCode::store_refused, about + ": the server answered " + describe_status(answer.status) +
                                                  ", and this request follows no redirect"};
        Failure failure = failure_of_status(about, answer.status);
        if (failure.code == ErrorCode::store_denied)
            failure.message += authorization_.empty()
                                   ? ": the user mapping has neither bearer_token nor user and password, or the URL's "
                                     "signature does not hold"
                                   : ": it does not take the user mapping's bearer_token, or its user and password";
        return failure;
    }

    /// Without the query, which may be a signature.
    std::string subject(const HttpRequest& request) const override {
        const std::string path = endpoint_.path + "/" + request.name;
        return endpoint_.origin() + printable(path.substr(0, path.find_first_of("?#")), 2048);
    }

    bool follows_redirects() const override { return true; }

  private:
    /// Path and query. What no URL may hold is encoded; what is encoded already stays.
    std::string path_of(const HttpRequest& request) const {
        std::string path = endpoint_.path + "/" + request.name;
        path = path.substr(0, path.find('#'));
        std::string_view segments = std::string_view(path).substr(0, path.find('?'));
        while (!segments.empty()) {
            const size_t end = std::min(segments.find('/'), segments.size());
            const std::string segment = percent_decode(segments.substr(0, end));
            if (segment == "." || segment == "..")
                throw StoreError(ErrorCode::store_refused, subject(request) + " has \"" + segment +
                                                               "\" in its path, which may lead out of the store");
            segments.remove_prefix(std::min(end + 1, segments.size()));
        }
        return percent_encode(path, of_urls);
    }

    Endpoint endpoint_;
    std::string authorization_;
};

}  // namespace

std::unique_ptr<Store> https_store(const Declared& declared) { return std::make_unique<HttpsStore>(declared); }

}  // namespace pg_ocr::http
