// nginx, over http and https, with certificates of its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace pg_ocr {

/// Serves /files/… to anybody, /show (the request's authorization) and /to?URL (a redirect).
class WebServer {
  public:
    /// Throws std::runtime_error with what it said where it does not start.
    WebServer();
    ~WebServer();
    void write_file(const std::string& name, const std::string& content) const;
    std::string url(const std::string& host = "127.0.0.1") const {
        return "http://" + host + ":" + std::to_string(port_);
    }
    /// Of a certificate for localhost, inside.test and outside.test, and of one for another name.
    std::string tls_url(const std::string& host = "localhost") const {
        return "https://" + host + ":" + std::to_string(tls_port_);
    }
    std::string elsewhere_url() const { return "https://localhost:" + std::to_string(elsewhere_port_); }
    std::string ca_certificate() const { return read("localhost.pem"); }
    std::string elsewhere_certificate() const { return read("elsewhere.pem"); }

  private:
    std::string read(const std::string& name) const;
    void make_certificate(const std::string& name, const std::string& names) const;
    std::string folder_;
    uint16_t port_ = 0;
    uint16_t tls_port_ = 0;
    uint16_t elsewhere_port_ = 0;
    pid_t pid_ = 0;
};

}  // namespace pg_ocr
