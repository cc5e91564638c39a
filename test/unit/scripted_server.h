// An HTTP server that does what a test tells it, well-behaved or not. One thread per connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace pg_ocr {

class Exchange {
  public:
    explicit Exchange(int connection) : connection_(connection) {}
    /// 'GET /path HTTP/1.1' and the lines that follow; false at the connection's end.
    bool receive_head();
    /// The body that the head announces.
    bool receive_body();
    const std::string& head() const { return head_; }
    const std::string& body() const { return body_; }
    std::string path() const;
    std::string header(const std::string& name) const;
    /// False: the client has gone.
    bool send(const std::string& bytes) const;
    bool answer(int status, const std::string& body, const std::string& headers = "") const;
    /// Until the client has closed the connection.
    void wait_for_end() const;

  private:
    int connection_;
    std::string buffer_;
    std::string head_;
    std::string body_;
};

class ScriptedServer {
  public:
    /// Called for each request, its head received; false: the connection is cut.
    using Script = std::function<bool(Exchange&)>;
    /// Listens on a free port of all addresses.
    explicit ScriptedServer(Script script);
    ~ScriptedServer();
    uint16_t port() const { return port_; }
    std::string url(const std::string& host = "127.0.0.1") const {
        return "http://" + host + ":" + std::to_string(port_);
    }
    int requests() const { return requests_; }

  private:
    void serve(int connection);
    Script script_;
    int listening_ = -1;
    uint16_t port_ = 0;
    std::atomic<int> requests_ = 0;
    std::mutex lock_;
    bool ended_ = false;
    std::list<int> connections_;
    std::list<std::thread> threads_;
    std::thread accepting_;
};

}  // namespace pg_ocr
