#include "http/trust.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include <new>

namespace pg_ocr::http {
namespace {

/// Where distributions keep them: Debian and Ubuntu, Fedora and Red Hat, SUSE, Alpine.
constexpr const char* bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

CURLcode use_store(CURL*, void* context, void* store) {
    return ::SSL_CTX_set1_cert_store(static_cast<SSL_CTX*>(context), static_cast<X509_STORE*>(store)), CURLE_OK;
}

}  // namespace

void Trust::Free::operator()(x509_store_st* store) const { ::X509_STORE_free(store); }

Trust::Trust() : store_(::X509_STORE_new()) {
    if (!store_) throw std::bad_alloc();
    ::X509_STORE_set_flags(store_.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    for (const char* path : bundles) {
        if (::access(path, R_OK) == 0 && ::X509_STORE_load_file(store_.get(), path) == 1) {
            bundle_ = path;
            break;
        }
    }
    ::ERR_clear_error();
}

void Trust::apply(CURL* easy, const std::string& own) const {
    ::curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
    ::curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    if (own.empty()) {
        ::curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, use_store);
        ::curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, store_.get());
    } else {
        // libcurl never shares a connection between handles that differ in this; in the function above it would.
        curl_blob blob{const_cast<char*>(own.data()), own.size(), CURL_BLOB_COPY};
        ::curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
    }
}

}  // namespace pg_ocr::http
