// Azure's blobs, by a shared access signature (SAS) or without one.
#include <curl/curl.h>

#include <charconv>
#include <cstring>
#include <utility>

#include "http/encoding.h"
#include "http/store.h"
#include "http/xml.h"

namespace pg_ocr::http {
namespace {

constexpr const char* api_version = "2021-12-02";

/// As SAS write theirs, in an order that is that of time.
std::string moment_of_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// Where a path is tidied up on its way, such a key names a blob of another container; and unlike S3's, a signature of
/// an account holds for it.
void require_key_within_container(const HttpRequest& request, const std::string& subject) {
    if (request.operation == HttpOperation::list) return;
    std::string_view left = request.name;
    for (;;) {
        const size_t end = std::min(left.find_first_of("/\\"), left.size());
        const std::string_view part = left.substr(0, end);
        if (part == "." || part == "..")
            throw StoreError(ErrorCode::store_refused, subject + " has \"" + std::string(part) +
                                                           "\" in its key, which may lead out of the store");
        if (end == left.size()) return;
        left.remove_prefix(end + 1);
    }
}

class AzureStore : public Store {
  public:
    explicit AzureStore(const Declared& declared)
        : container_(declared.required("container")), sas_(declared.text("sas_token")) {
        std::string endpoint = declared.text("endpoint");
        if (endpoint.empty()) endpoint = "https://" + declared.required("account") + ".blob.core.windows.net";
        endpoint_ = parse_endpoint(endpoint, "endpoint");
        if (sas_.starts_with('?')) sas_.erase(0, 1);
        for (char c : sas_) {
            if (c <= ' ' || c >= 0x7F || c == '#')
                throw StoreError(ErrorCode::store_denied,
                                 "sas_token of the user mapping is no SAS: it has characters that no URL has");
        }
    }

    Call call(const HttpRequest& request, const Content&, std::time_t) const override {
        Call call;
        require_key(request, subject(request));
        require_key_within_container(request, subject(request));
        std::string url = endpoint_.origin() + endpoint_.path + "/" + percent_encode(container_);
        call.headers.push_back(header("x-ms-version", api_version));
        if (request.operation == HttpOperation::list) {
            url += std::string("?restype=container&comp=list&maxresults=") + page_of_listing;
            if (!request.name.empty()) url.append("&prefix=").append(percent_encode(request.name));
            if (!request.from.empty()) url.append("&marker=").append(percent_encode(request.from));
            if (!sas_.empty()) url.append("&").append(sas_);
        } else {
            url.append("/").append(percent_encode(request.name, "/"));
            if (!sas_.empty()) url.append("?").append(sas_);
        }
        if (request.operation == HttpOperation::put) {
            call.method = "PUT";
            call.uploads = true;
            call.headers.push_back(header("x-ms-blob-type", "BlockBlob"));
            if (!request.content_type.empty()) call.headers.push_back(header("content-type", request.content_type));
        }
        call.url = std::move(url);
        return call;
    }

    Failure failure_of(const HttpRequest& request, const Answer& answer) const override;
    void read_listing(const HttpRequest& request, const Answer& answer, HttpResponse& response) const override;

    std::string subject(const HttpRequest& request) const override {
        return "az://" + container_ + "/" + printable(request.name, 2048);
    }

  private:
    /// Until when the SAS holds, as it says itself.
    std::string expiry() const {
        for (size_t at = 0; at < sas_.size();) {
            const size_t end = std::min(sas_.find('&', at), sas_.size());
            if (sas_.compare(at, 3, "se=") == 0)
                return printable(percent_decode(sas_.substr(at + 3, end - at - 3)), 40);
            at = end + 1;
        }
        return "";
    }

    Endpoint endpoint_;
    std::string container_;
    std::string sas_;
};

Failure AzureStore::failure_of(const HttpRequest& request, const Answer& answer) const {
    const std::string about = subject(request);
    std::string code = printable(answer.error_code, 100);
    std::string detail;
    read_xml(answer.body, [&](const std::string& path, const auto&, const std::string& text) {
        if (path == "/Error/Code" && code.empty()) code = printable(text, 100);
        if (path == "/Error/AuthenticationErrorDetail") detail = printable(text, 300);
    });
    auto because = [&](ErrorCode error, const std::string& why) { return Failure{error, about + why}; };
    if (code == "ContainerNotFound")
        return {ErrorCode::document_missing, "there is no container \"" + container_ + "\" at " + endpoint_.origin()};
    if (code == "BlobNotFound" || (answer.status == 404 && (code.empty() || code == "ResourceNotFound")))
        return {ErrorCode::document_missing, "there is no " + about};
    if (code == "BlobArchived")
        return because(ErrorCode::store_denied, " is archived; rehydrate it in the store first");
    if (code == "ServerBusy" || code == "OperationTimedOut" || code == "InternalError")
        return because(ErrorCode::store_unavailable,
                       ": the server answered " + describe_status(answer.status) + " (" + code + ")");
    const bool denied = answer.status == 401 || answer.status == 403 || code == "PublicAccessNotPermitted";
    if (!denied) return failure_of_status(about, answer.status, code);
    const std::string named = " is denied (" + (code.empty() ? describe_status(answer.status) : code) + ")";
    if (sas_.empty())
        return because(ErrorCode::store_denied, named + ": the user mapping has no sas_token, and it is not public");
    // Not every server says that it is over, or says it in one way.
    if (!expiry().empty() && expiry() < moment_of_now())
        return because(ErrorCode::store_denied,
                       named + ": sas_token of the user mapping has expired: it ended " + expiry());
    if (code == "AuthenticationFailed" && detail.find("Signature not valid in the specified time frame") == 0)
        return because(ErrorCode::store_denied,
                       named + ": sas_token of the user mapping has expired or does not hold yet (it ends " + expiry() +
                           "), or this server's clock is wrong");
    if (code == "AuthenticationFailed")
        return because(ErrorCode::store_denied, named + ": sas_token of the user mapping is not valid here" +
                                                    (expiry().empty() ? "" : " (it ends " + expiry() + ")"));
    return because(ErrorCode::store_denied, named + ": sas_token of the user mapping gives no right to it");
}

void AzureStore::read_listing(const HttpRequest& request, const Answer& answer, HttpResponse& response) const {
    bool is_listing = false;
    bool is_directory = false;
    StoredObject object;
    const bool whole =
        read_xml(answer.body, [&](const std::string& path, const auto& attributes, const std::string& text) {
            if (path == "/EnumerationResults/Blobs/Blob/Name") {
                auto encoded = attributes.find("Encoded");
                object.key = encoded != attributes.end() && encoded->second == "true" ? percent_decode(text) : text;
            } else if (path == "/EnumerationResults/Blobs/Blob/Properties/Content-Length") {
                std::from_chars(text.data(), text.data() + text.size(), object.size);
            } else if (path == "/EnumerationResults/Blobs/Blob/Properties/Etag") {
                object.etag = bare_etag(text);
            } else if (path == "/EnumerationResults/Blobs/Blob/Properties/Last-Modified") {
                const std::time_t moment = ::curl_getdate(text.c_str(), nullptr);
                object.modified_at = moment > 0 ? int64_t{moment} * 1000000 : 0;
            } else if (path == "/EnumerationResults/Blobs/Blob/Properties/ResourceType") {
                is_directory = text == "directory";
            } else if (path == "/EnumerationResults/Blobs/Blob") {
                if (!is_directory && is_listable(object)) response.objects.push_back(object);
                object = {};
                is_directory = false;
            } else if (path == "/EnumerationResults/NextMarker") {
                response.next = text;
            } else if (path == "/EnumerationResults") {
                is_listing = true;
            }
        });
    if (!whole || !is_listing)
        throw StoreError(ErrorCode::store_refused,
                         "the server's list of " + subject(request) + " is not one of Azure's");
}

}  // namespace

std::unique_ptr<Store> azure_store(const Declared& declared) { return std::make_unique<AzureStore>(declared); }

}  // namespace pg_ocr::http
