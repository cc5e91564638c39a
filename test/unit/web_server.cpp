#include "unit/web_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace pg_ocr {
namespace {

uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    socklen_t size = sizeof(address);
    if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("no free port");
    ::close(socket);
    return ntohs(address.sin_port);
}

bool answers(uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    ::close(socket);
    return connected;
}

}  // namespace

WebServer::WebServer() : port_(free_port()), tls_port_(free_port()), elsewhere_port_(free_port()) {
    std::string pattern = "/tmp/pg_ocr_web_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    ::chmod(folder_.c_str(), 0755);
    std::filesystem::create_directories(folder_ + "/files");
    make_certificate("localhost", "DNS:localhost,DNS:inside.test,DNS:outside.test,IP:127.0.0.1");
    make_certificate("elsewhere", "DNS:other.example");
    auto tls = [&](uint16_t port, const std::string& name) {
        return "server { listen " + std::to_string(port) + " ssl; ssl_certificate " + folder_ + "/" + name +
               ".pem; ssl_certificate_key " + folder_ + "/" + name + ".key; include " + folder_ + "/locations; }\n";
    };
    std::ofstream(folder_ + "/locations") << "location /files/ { root " << folder_ << "; }\n"
                                          << "location = /show { return 200 \"$http_authorization\"; }\n"
                                          << "location = /to { return 302 $args; }\n"
                                          << "location /loop { return 302 /loop; }\n";
    std::ofstream configuration(folder_ + "/nginx.conf");
    configuration << "daemon off; master_process off; user root root; pid " << folder_ << "/pid; error_log " << folder_
                  << "/log;\n"
                  << "events { worker_connections 2048; }\nhttp { access_log off;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        configuration << kind << "_temp_path " << folder_ << "/" << kind << ";\n";
    configuration << "server { listen " << port_ << " backlog=2048; include " << folder_ << "/locations; }\n"
                  << tls(tls_port_, "localhost") << tls(elsewhere_port_, "elsewhere") << "}\n";
    configuration.close();
    const std::string path = folder_ + "/nginx.conf";
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
        const int log = ::creat((folder_ + "/stderr").c_str(), 0644);
        ::dup2(log, STDERR_FILENO);
        ::execlp("nginx", "nginx", "-c", path.c_str(), "-e", (folder_ + "/log").c_str(), nullptr);
        ::_exit(127);
    }
    while (!answers(elsewhere_port_) || !answers(port_)) {
        if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
            pid_ = 0;
            throw std::runtime_error("nginx ended: " + read("stderr") + read("log"));
        }
        ::poll(nullptr, 0, 10);
    }
}

WebServer::~WebServer() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
}

void WebServer::write_file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/files/" + name) << content;
}

std::string WebServer::read(const std::string& name) const {
    std::stringstream content;
    content << std::ifstream(folder_ + "/" + name).rdbuf();
    return content.str();
}

void WebServer::make_certificate(const std::string& name, const std::string& names) const {
    const std::string path = folder_ + "/" + name;
    const std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=" + name +
        " -addext subjectAltName=" + names + " -keyout " + path + ".key -out " + path + ".pem 2>" + path + ".log";
    if (std::system(command.c_str()) != 0)
        throw std::runtime_error("openssl: " + read(name + ".log"));  // NOLINT(cert-env33-c)
}

}  // namespace pg_ocr
