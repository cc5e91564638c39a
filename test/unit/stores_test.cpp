// What stores and webhooks are asked and what their answers mean, without a network.
#include <arpa/inet.h>
#include <netinet/in.h>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "http/address.h"
#include "http/aws_signature.h"
#include "http/digest.h"
#include "http/encoding.h"
#include "http/store.h"
#include "http/xml.h"

namespace pg_ocr::http {
namespace {

constexpr std::time_t in_2013 = 1369353600;  // 2013-05-24 00:00:00 UTC, as in AWS's examples
const AwsCredentials of_examples{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

std::string header_of(const std::vector<std::string>& headers, const std::string& name) {
    for (const std::string& line : headers) {
        if (lower_case(line).starts_with(name + ": ")) return line.substr(name.size() + 2);
    }
    return "";
}

HttpRequest request_for(HttpOperation operation, std::string name, Options options) {
    HttpRequest request;
    request.operation = operation;
    request.name = std::move(name);
    request.options = std::move(options);
    return request;
}

HttpRequest fetch(std::string name, Options options) {
    return request_for(HttpOperation::fetch, std::move(name), std::move(options));
}

HttpRequest list(std::string prefix, Options options, std::string from = "") {
    HttpRequest request = request_for(HttpOperation::list, std::move(prefix), std::move(options));
    request.from = std::move(from);
    return request;
}

Call call_of(const HttpRequest& request) { return store_of(request)->call(request, {}, in_2013); }
std::string url_of(const HttpRequest& request) { return call_of(request).url; }

Options s3(const Options& more = {}) {
    Options options{{"type", "s3"}, {"bucket", "scans"}};
    options.insert(options.end(), more.begin(), more.end());
    return options;
}
const Options with_keys{
    {"access_key_id", "AKIAEXAMPLE"}, {"secret_access_key", "very/secret+key"}, {"session_token", "the-token"}};

Failure failure_of(const HttpRequest& request, int32_t status, const std::string& body = "") {
    Answer answer;
    answer.status = status;
    answer.body = body;
    return store_of(request)->failure_of(request, answer);
}

std::string error_xml(const std::string& code, const std::string& more = "") {
    return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>words</Message>" + more + "</Error>";
}

Failure refusal_of(const HttpRequest& request) {
    try {
        call_of(request);
    } catch (const StoreError& error) {
        return error.failure;
    }
    return {};
}

#define EXPECT_FAILURE(failure, expected_code, words)                                                    \
    do {                                                                                                 \
        const Failure got = (failure);                                                                   \
        EXPECT_EQ(name_of(got.code), name_of(ErrorCode::expected_code)) << got.message;                  \
        EXPECT_NE(got.message.find(words), std::string::npos) << got.message << "\n  has no: " << words; \
    } while (false)

TEST(AwsSignature, IsThatOfTheExamplesOfAws) {
    auto signature = [](AwsRequest request) {
        request.host = "examplebucket.s3.amazonaws.com";
        if (request.payload_sha256.empty()) request.payload_sha256 = hex(sha256(""));
        const std::string line = header_of(sign_aws(request, of_examples, "us-east-1", in_2013), "authorization");
        EXPECT_TRUE(
            line.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"))
            << line;
        return line.substr(line.rfind('=') + 1);
    };
    EXPECT_EQ(signature({"GET", "", "/test.txt", "", "", {{"range", "bytes=0-9"}}}),
              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    EXPECT_EQ(signature({"PUT",
                         "",
                         "/test%24file.text",
                         "",
                         hex(sha256("Welcome to Amazon S3.")),
                         {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}}),
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    EXPECT_EQ(signature({"GET", "", "/", "lifecycle=", "", {}}),
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    EXPECT_EQ(signature({"GET", "", "/", "max-keys=2&prefix=J", "", {}}),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(S3, AddressesItsBucketInTheHostOrInThePath) {
    EXPECT_EQ(url_of(fetch("a/b.pdf", s3())), "https://scans.s3.us-east-1.amazonaws.com/a/b.pdf");
    EXPECT_EQ(url_of(fetch("a", s3({{"region", "eu-west-3"}}))), "https://scans.s3.eu-west-3.amazonaws.com/a");
    EXPECT_EQ(url_of(fetch("a", s3({{"region", "cn-north-1"}}))), "https://scans.s3.cn-north-1.amazonaws.com.cn/a");
    EXPECT_EQ(url_of(fetch("a", s3({{"addressing", "path"}}))), "https://s3.us-east-1.amazonaws.com/scans/a");
    EXPECT_EQ(url_of(fetch("a", {{"type", "s3"}, {"bucket", "my.scans"}})),
              "https://s3.us-east-1.amazonaws.com/my.scans/a");
    EXPECT_EQ(url_of(fetch("a", s3({{"endpoint", "http://Minio:9000/"}}))), "http://minio:9000/scans/a");
    EXPECT_EQ(url_of(fetch("a", s3({{"endpoint", "https://minio:443"}, {"addressing", "virtual"}}))),
              "https://scans.minio/a");
    EXPECT_EQ(url_of(fetch("a", {{"type", "gcs"}, {"bucket", "scans"}})), "https://storage.googleapis.com/scans/a");
}

TEST(S3, WritesEveryKeyIntoTheUrl) {
    const std::pair<const char*, const char*> keys[] = {{"a b+c", "a%20b%2Bc"},
                                                        {"100%/%2F", "100%25/%252F"},
                                                        {"what?#x", "what%3F%23x"},
                                                        {"/lead//ing/", "/lead//ing/"},
                                                        {"~*:'()!", "~%2A%3A%27%28%29%21"},
                                                        {"ü", "%C3%BC"},
                                                        {"../x/./y", "../x/./y"},
                                                        {"a&b=c;d,e@f$", "a%26b%3Dc%3Bd%2Ce%40f%24"}};
    for (const auto& [key, written] : keys)
        EXPECT_EQ(url_of(fetch(key, s3())), std::string("https://scans.s3.us-east-1.amazonaws.com/") + written);
    EXPECT_FAILURE(refusal_of(fetch("", s3())), document_missing, "names no object");
}

TEST(S3, SignsWithTheSessionsTokenAndNeverShowsAKey) {
    const Call call = call_of(fetch("a", s3(with_keys)));
    EXPECT_EQ(header_of(call.headers, "x-amz-security-token"), "the-token");
    EXPECT_NE(header_of(call.headers, "authorization")
                  .find("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
              std::string::npos);
    for (const std::string& line : call.headers) EXPECT_EQ(line.find("very/secret"), std::string::npos);
    EXPECT_TRUE(call_of(fetch("a", s3())).headers.empty()) << "without keys nothing is signed";
    EXPECT_FAILURE(refusal_of(fetch("a", s3({{"access_key_id", "AKIA"}}))), store_denied, "only one of");
    EXPECT_FAILURE(refusal_of(fetch("a", s3({{"access_key_id", "A\r\nX: y"}, {"secret_access_key", "s"}}))),
                   store_refused, "line break");
}

TEST(S3, ListsPageByPage) {
    EXPECT_EQ(
        url_of(list("2026/ü", s3())),
        "https://scans.s3.us-east-1.amazonaws.com/?encoding-type=url&list-type=2&max-keys=1000&prefix=2026%2F%C3%BC");
    const std::string page =
        R"(<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
        <Name>scans</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
        <Contents><Key>a+b%2Bc%20d%00</Key><Size>1</Size></Contents>
        <Contents><Key>a+b%2Bc%20d%0A%C3%BC</Key><LastModified>2009-10-12T17:50:30.250Z</LastModified>
        <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size></Contents>
        <NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken></ListBucketResult>)";
    const HttpRequest request = list("", s3());
    Answer answer;
    answer.status = 200;
    answer.body = page;
    HttpResponse response;
    store_of(request)->read_listing(request, answer, response);
    ASSERT_EQ(response.objects.size(), 1u) << "a name with NUL is nothing that Postgres could hold";
    EXPECT_EQ(response.objects[0].key, "a b+c d\nü");
    EXPECT_EQ(response.objects[0].size, 434234u);
    EXPECT_EQ(response.objects[0].etag, "fba9dede5f27731c9771645a39863328");
    EXPECT_EQ(response.objects[0].modified_at, 1255369830250000);
    EXPECT_NE(url_of(list("", s3(), response.next))
                  .find("?continuation-token=1ueGcxLPRx1Tr%2FXYExHnhbYLgveDs2J%2Fwm36Hy4vbOwM%3D&encoding-type"),
              std::string::npos);
    // A server that has no tokens goes on after the last key.
    answer.body =
        "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>x y</Key></Contents></ListBucketResult>";
    response = {};
    store_of(request)->read_listing(request, answer, response);
    EXPECT_TRUE(url_of(list("", s3(), response.next)).ends_with("&start-after=x%20y"));
    for (const char* no_list : {"", "<html></html>", "<ListBucketResult>", "{}"}) {
        answer.body = no_list;
        EXPECT_THROW(store_of(request)->read_listing(request, answer, response), StoreError) << no_list;
    }
}

TEST(S3, SaysWhatIsWrongInWordsThatHelp) {
    const HttpRequest request = fetch("a/ä.pdf", s3(with_keys));
    EXPECT_FAILURE(failure_of(request, 404, error_xml("NoSuchKey")), document_missing,
                   "there is no s3://scans/a/ä.pdf");
    EXPECT_FAILURE(failure_of(request, 404, error_xml("NoSuchBucket")), document_missing,
                   "there is no bucket \"scans\"");
    EXPECT_FAILURE(failure_of(request, 404), document_missing, "there is no s3://");
    EXPECT_FAILURE(failure_of(request, 403, error_xml("AccessDenied")), store_denied, "may not list the bucket");
    EXPECT_FAILURE(failure_of(request, 403, error_xml("SignatureDoesNotMatch")), store_denied, "secret_access_key");
    EXPECT_FAILURE(failure_of(request, 403, error_xml("InvalidAccessKeyId")), store_denied, "access_key_id");
    EXPECT_FAILURE(
        failure_of(request, 403, error_xml("RequestTimeTooSkewed", "<ServerTime>2026-11-22T10:00:00Z</ServerTime>")),
        store_denied, "clock is too far from the store's, where it was 2026-11-22T10:00:00Z");
    EXPECT_FAILURE(failure_of(request, 400, error_xml("ExpiredToken")), store_denied,
                   "session_token in the user mapping has expired");
    EXPECT_FAILURE(failure_of(request, 400, error_xml("InvalidToken")), store_denied, "session_token");
    EXPECT_FAILURE(failure_of(request, 403, error_xml("InvalidObjectState")), store_denied, "archived");
    EXPECT_FAILURE(failure_of(request, 400, error_xml("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")),
                   store_refused, "set the foreign server's region to eu-west-1");
    EXPECT_FAILURE(failure_of(request, 301,
                              error_xml("PermanentRedirect", "<Endpoint>scans.s3.eu-west-1.amazonaws.com</Endpoint>")),
                   store_refused, "at scans.s3.eu-west-1.amazonaws.com");
    EXPECT_FAILURE(failure_of(request, 503, error_xml("SlowDown")), store_unavailable, "SlowDown");
    EXPECT_FAILURE(failure_of(request, 500, "<html>oops"), store_unavailable, "500 Internal Server Error");
    EXPECT_FAILURE(failure_of(request, 400, error_xml("RequestTimeout")), store_unavailable, "RequestTimeout");
    EXPECT_FAILURE(failure_of(request, 429), store_unavailable, "429 Too Many Requests");
    EXPECT_FAILURE(failure_of(request, 405, error_xml("MethodNotAllowed")), store_refused, "MethodNotAllowed: words");
    EXPECT_FAILURE(failure_of(fetch("a", s3()), 403, error_xml("AccessDenied")), store_denied, "has no access_key_id");
}

TEST(Azure, AppendsTheSignatureAndNeverShowsIt) {
    const Options options{{"type", "azure"},
                          {"account", "acme"},
                          {"container", "scans"},
                          {"sas_token", "?sv=2024&se=2026-11-23T00%3A00%3A00Z&sig=geheim%3D"}};
    const HttpRequest request = fetch("a b/ü?.pdf", options);
    EXPECT_EQ(url_of(request),
              "https://acme.blob.core.windows.net/scans/a%20b/"
              "%C3%BC%3F.pdf?sv=2024&se=2026-11-23T00%3A00%3A00Z&sig=geheim%3D");
    EXPECT_EQ(url_of(list("2026/", options, "the/marker")),
              "https://acme.blob.core.windows.net/"
              "scans?restype=container&comp=list&maxresults=1000&prefix=2026%2F&marker=the%2Fmarker"
              "&sv=2024&se=2026-11-23T00%3A00%3A00Z&sig=geheim%3D");
    const Call put = call_of(request_for(HttpOperation::put, "x", options));
    EXPECT_EQ(put.method, "PUT");
    EXPECT_EQ(header_of(put.headers, "x-ms-blob-type"), "BlockBlob");
    EXPECT_EQ(store_of(request)->subject(request), "az://scans/a b/ü?.pdf");
    EXPECT_EQ(
        url_of(fetch("x", {{"type", "azure"}, {"endpoint", "http://127.0.0.1:10000/acme/"}, {"container", "scans"}})),
        "http://127.0.0.1:10000/acme/scans/x");
    EXPECT_FAILURE(refusal_of(fetch("x", {{"type", "azure"}, {"container", "scans"}})), store_refused, "account");
    for (const char* out : {"..", "../private/x", "a/../../private/x", "a/.", "a\\..\\..\\private"})
        EXPECT_FAILURE(refusal_of(fetch(out, options)), store_refused, "in its key");
    EXPECT_EQ(url_of(fetch("..a/.b./c..", {{"type", "azure"}, {"account", "acme"}, {"container", "scans"}})),
              "https://acme.blob.core.windows.net/scans/..a/.b./c..");
}

TEST(Azure, SaysWhatIsWrongInWordsThatHelp) {
    const HttpRequest request = fetch("x", {{"type", "azure"},
                                            {"account", "acme"},
                                            {"container", "scans"},
                                            {"sas_token", "se=2020-01-01T00%3A00%3A00Z&sig=x"}});
    EXPECT_FAILURE(failure_of(request, 404, error_xml("BlobNotFound")), document_missing, "there is no az://scans/x");
    EXPECT_FAILURE(failure_of(request, 404, error_xml("ContainerNotFound")), document_missing,
                   "no container \"scans\"");
    EXPECT_FAILURE(failure_of(request, 403,
                              error_xml("AuthenticationFailed",
                                        "<AuthenticationErrorDetail>Signature not valid in the specified time frame: "
                                        "Start</AuthenticationErrorDetail>")),
                   store_denied, "has expired: it ended 2020-01-01T00:00:00Z");
    const HttpRequest in_time = fetch(
        "x", {{"type", "azure"}, {"account", "acme"}, {"container", "scans"}, {"sas_token", "se=2999-01-01&sig=x"}});
    EXPECT_FAILURE(failure_of(in_time, 403, error_xml("AuthorizationPermissionMismatch")), store_denied,
                   "gives no right");
    EXPECT_FAILURE(failure_of(request, 503, error_xml("ServerBusy")), store_unavailable, "ServerBusy");
    EXPECT_FAILURE(failure_of(fetch("x", {{"type", "azure"}, {"account", "acme"}, {"container", "scans"}}), 409,
                              error_xml("PublicAccessNotPermitted")),
                   store_denied, "has no sas_token");
}

TEST(Azure, ListsBlobsAndNoDirectories) {
    const HttpRequest request = list("", {{"type", "azure"}, {"account", "acme"}, {"container", "scans"}});
    Answer answer;
    answer.body =
        R"(<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="https://acme.blob.core.windows.net/"><Blobs>
        <Blob><Name>a &amp; b</Name><Properties><Last-Modified>Mon, 12 Oct 2009 17:50:30 GMT</Last-Modified><Etag>0x8DA</Etag>
        <Content-Length>7</Content-Length></Properties></Blob>
        <Blob><Name>folder</Name><Properties><ResourceType>directory</ResourceType></Properties></Blob>
        <Blob><Name Encoded="true">x%EF%BF%BEy</Name></Blob></Blobs><NextMarker>2!4!x</NextMarker></EnumerationResults>)";
    HttpResponse response;
    store_of(request)->read_listing(request, answer, response);
    ASSERT_EQ(response.objects.size(), 2u);
    EXPECT_EQ(response.objects[0].key, "a & b");
    EXPECT_EQ(response.objects[0].size, 7u);
    EXPECT_EQ(response.objects[0].etag, "0x8DA");
    EXPECT_EQ(response.objects[0].modified_at, 1255369830000000);
    EXPECT_EQ(response.objects[1].key, "x\xEF\xBF\xBEy");
    EXPECT_EQ(response.next, "2!4!x");
}

TEST(Https, TakesTheKeyAsItStandsInTheUrl) {
    auto at = [](const char* endpoint, const char* key) {
        return url_of(fetch(key, {{"type", "https"}, {"endpoint", endpoint}}));
    };
    EXPECT_EQ(at("https://host", "a%20b/c.pdf?sig=x%2F&y=z#part"), "https://host/a%20b/c.pdf?sig=x%2F&y=z");
    EXPECT_EQ(at("https://host/files/", "a b/ü"), "https://host/files/a%20b/%C3%BC");
    EXPECT_EQ(at("https://host/files", "/x"), "https://host/files//x");
    EXPECT_EQ(at("https://host/files", "?x"), "https://host/files/?x");
    EXPECT_EQ(at("https://[2001:DB8::1]:8443", "x"), "https://[2001:db8::1]:8443/x");
    EXPECT_EQ(at("https://host", "@evil.example/x"), "https://host/@evil.example/x");
    for (const char* out : {"../x", "a/../x", "%2e%2E/x", "a/."})
        EXPECT_FAILURE(refusal_of(fetch(out, {{"type", "https"}, {"endpoint", "https://host/files"}})), store_refused,
                       "in its path");
    for (const char* no :
         {"ftp://host", "https://user:password@host", "https://", "https://host?x", "file:///etc/passwd"})
        EXPECT_FAILURE(refusal_of(fetch("x", {{"type", "https"}, {"endpoint", no}})), store_refused, "endpoint");
    EXPECT_FAILURE(refusal_of(list("", {{"type", "https"}, {"endpoint", "https://host"}})), store_refused,
                   "cannot be listed");
}

TEST(Https, SendsTokenOrPasswordAndShowsNoQuery) {
    const Options bearer{{"type", "https"}, {"endpoint", "https://host"}, {"bearer_token", "t0ken"}};
    EXPECT_EQ(header_of(call_of(fetch("x", bearer)).headers, "authorization"), "Bearer t0ken");
    const Options basic{{"type", "https"}, {"endpoint", "https://host"}, {"user", "anna"}, {"password", "geheim"}};
    EXPECT_EQ(header_of(call_of(fetch("x", basic)).headers, "authorization"), "Basic YW5uYTpnZWhlaW0=");
    const HttpRequest request = fetch("x?sig=geheim", bearer);
    EXPECT_EQ(store_of(request)->subject(request), "https://host/x");
    EXPECT_FAILURE(failure_of(request, 404), document_missing, "there is no https://host/x");
    EXPECT_FAILURE(failure_of(request, 401), store_denied, "bearer_token");
    EXPECT_FAILURE(failure_of(request, 418), store_refused, "418");
}

TEST(Webhooks, AreSignedAsStandardWebhooksSays) {
    HttpRequest request = request_for(
        HttpOperation::post, "msg_p5jXN8AQM9LWM0D4loKWxJek",
        {{"url", "https://hooks.example/secret/path?k=v"}, {"secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}});
    request.body = R"({"test": 2432232314})";
    const Call call = store_of(request)->call(request, {}, 1614265330);
    EXPECT_EQ(call.url, "https://hooks.example/secret/path?k=v");
    EXPECT_EQ(header_of(call.headers, "webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
    EXPECT_EQ(header_of(call.headers, "webhook-timestamp"), "1614265330");
    EXPECT_EQ(header_of(call.headers, "webhook-signature"), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    EXPECT_EQ(header_of(call.headers, "content-type"), "application/json");
    const Failure gone = failure_of(request, 410);
    EXPECT_EQ(gone.message.find("secret"), std::string::npos) << gone.message;
    EXPECT_FAILURE(failure_of(request, 302), store_refused, "no redirect");
    EXPECT_FAILURE(failure_of(request, 500), store_unavailable, "500");
    EXPECT_FAILURE(refusal_of(request_for(HttpOperation::post, "x", {{"url", "https://host"}, {"secret", "whsec_??"}})),
                   store_refused, "whsec_");
}

TEST(Addresses, AreWhereCloudsKeepTheirMetadata) {
    auto is_metadata_in = [](int family, const char* digits) {
        sockaddr_storage storage{};
        storage.ss_family = static_cast<sa_family_t>(family);
        void* to = family == AF_INET ? static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&storage)->sin_addr)
                                     : &reinterpret_cast<sockaddr_in6*>(&storage)->sin6_addr;
        EXPECT_EQ(::inet_pton(family, digits, to), 1) << digits;
        return is_metadata(reinterpret_cast<const sockaddr*>(&storage));
    };
    for (const char* address : {"169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"})
        EXPECT_TRUE(is_metadata_in(AF_INET, address)) << address;
    for (const char* address : {"10.0.0.1", "127.0.0.1", "192.168.169.254", "169.253.169.254", "100.100.100.201"})
        EXPECT_FALSE(is_metadata_in(AF_INET, address)) << address;
    for (const char* address : {"fe80::1", "febf::1", "fd00:ec2::254", "fd20:ce::254", "::ffff:169.254.169.254",
                                "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"})
        EXPECT_TRUE(is_metadata_in(AF_INET6, address)) << address;
    for (const char* address : {"::1", "fd00::1", "fec0::1", "::ffff:10.0.0.1"})
        EXPECT_FALSE(is_metadata_in(AF_INET6, address)) << address;
}

TEST(Addresses, ArePublicOrNot) {
    for (const char* inside : {"0.0.0.0",
                               "10.1.2.3",
                               "100.64.0.1",
                               "100.100.100.200",
                               "127.0.0.1",
                               "127.255.0.1",
                               "169.254.169.254",
                               "172.16.0.1",
                               "172.31.255.255",
                               "192.0.0.192",
                               "192.0.2.1",
                               "192.88.99.1",
                               "192.168.1.1",
                               "198.18.0.1",
                               "198.51.100.7",
                               "203.0.113.9",
                               "224.0.0.1",
                               "239.1.1.1",
                               "240.0.0.1",
                               "255.255.255.255",
                               "168.63.129.16",
                               "::",
                               "::1",
                               "::7f00:1",
                               "::ffff:127.0.0.1",
                               "::ffff:10.0.0.1",
                               "::ffff:0:127.0.0.1",
                               "64:ff9b::10.0.0.1",
                               "64:ff9b::a9fe:a9fe",
                               "64:ff9b:1::8.8.8.8",
                               "100::1",
                               "2001::1",
                               "2001:2::1",
                               "2001:db8::1",
                               "2002:7f00:1::",
                               "2002:a9fe:a9fe::1",
                               "3fff::1",
                               "5f00::1",
                               "fc00::1",
                               "fd00:ec2::254",
                               "fd20:ce::254",
                               "fe80::1",
                               "fe80::1%eth0",
                               "fec0::1",
                               "ff02::1",
                               "",
                               "host",
                               "1.2.3"})
        EXPECT_FALSE(is_public(inside)) << inside;
    for (const char* outside :
         {"1.1.1.1",      "8.8.8.8",        "9.255.255.255",    "11.0.0.1",        "100.63.255.255",
          "100.128.0.1",  "172.15.0.1",     "172.32.0.1",       "169.253.1.1",     "192.0.1.1",
          "198.17.1.1",   "198.20.0.1",     "223.255.255.255",  "168.63.129.17",   "2606:4700::1111",
          "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:4860::8888"})
        EXPECT_TRUE(is_public(outside)) << outside;
}

TEST(Xml, FromStrangersIsBounded) {
    size_t elements = 0;
    auto count = [&](const std::string&, const auto&, const std::string&) { ++elements; };
    EXPECT_TRUE(read_xml("<a><b>x</b></a>", count));
    EXPECT_EQ(elements, 2u);
    EXPECT_FALSE(read_xml("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", count));
    EXPECT_FALSE(read_xml("<!DOCTYPE a [<!ENTITY x \"lol\"><!ENTITY y \"&x;&x;&x;\">]><a>&y;</a>", count));
    EXPECT_FALSE(read_xml("<a>&unknown;</a>", count));
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "<a>";
    EXPECT_FALSE(read_xml(deep, count));
    EXPECT_FALSE(read_xml("<a>" + std::string(100000, 'x') + "</a>", count));
    EXPECT_FALSE(read_xml("", count));
    EXPECT_FALSE(read_xml(std::string("\0\0<a/>", 6), count));
}

TEST(Encoding, KeepsStrangersWordsPrintable) {
    EXPECT_EQ(printable("a\nb\x1b[31m\xff\xc3", 100), "a b [31m??");
    EXPECT_EQ(printable("üü", 3), "ü") << "no half characters";
    EXPECT_EQ(as_text(std::string_view("a\nb\0c", 5), 100), "a\nb c");
    EXPECT_EQ(percent_decode("%zz%4", false), "%zz%4");
    EXPECT_EQ(from_base64("YQ=="), "a");
    EXPECT_EQ(from_base64("Y?=="), std::nullopt);
    EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
    EXPECT_EQ(bare_etag("W/\"abc\""), "abc");
    EXPECT_EQ(bare_etag("\"a\x01\""), "");
}

}  // namespace
}  // namespace pg_ocr::http
