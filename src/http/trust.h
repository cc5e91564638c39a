// Whose certificates are believed.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

struct x509_store_st;

namespace pg_ocr::http {

/// The system's authorities, read once: the files are out of reach later, and libcurl would read them for every
/// connection.
class Trust {
  public:
    /// Never throws for a missing bundle: then nothing is believed but a ca_certificate of one's own.
    Trust();
    /// The file that was read; empty: there was none.
    const std::string& bundle() const { return bundle_; }
    /// Has the handle believe them, or `own`, PEM, in their place where it is not empty.
    void apply(CURL* easy, const std::string& own) const;

  private:
    struct Free {
        void operator()(x509_store_st*) const;
    };
    std::unique_ptr<x509_store_st, Free> store_;
    std::string bundle_;
};

}  // namespace pg_ocr::http
