// How fast pg_ocr_http is, without a database: so many requests, so many of them at once, through one process.
//
//   many_transfers PROGRAM fetch|list|put|post COUNT AT_ONCE NAME OPTION=VALUE…
//
// Of NAME, {} is each request's number. Prints seconds, requests per second, and MB; of failures the first words.
#include <poll.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "protocol/sealed_document.h"
#include "worker/http_process.h"

namespace {

using namespace pg_ocr;

constexpr uint64_t memory = uint64_t{1} << 30;
constexpr size_t bytes_to_put = 1 << 20;

HttpOperation operation_of(const std::string& word) {
    if (word == "list") return HttpOperation::list;
    if (word == "put") return HttpOperation::put;
    return word == "post" ? HttpOperation::post : HttpOperation::fetch;
}

HttpRequest request_of(HttpOperation operation, std::string name, uint64_t id, const Options& options) {
    if (size_t at = name.find("{}"); at != std::string::npos) name.replace(at, 2, std::to_string(id));
    HttpRequest request;
    request.id = id;
    request.operation = operation;
    request.options = options;
    request.name = std::move(name);
    request.max_size = uint64_t{1} << 33;
    if (operation == HttpOperation::post) request.body = R"({"type": "job.completed", "data": {}})";
    return request;
}

int run(char** words, int count) {
    const HttpOperation operation = operation_of(words[2]);
    const uint64_t total = std::strtoull(words[3], nullptr, 10);
    const size_t at_once = std::strtoull(words[4], nullptr, 10);
    Options options;
    for (int i = 6; i < count; ++i) {
        const std::string word = words[i];
        const size_t sign = word.find('=');
        if (sign != std::string::npos) options.emplace_back(word.substr(0, sign), word.substr(sign + 1));
    }
    UniqueFd content;
    if (operation == HttpOperation::put) {
        SealedDocument document;
        const std::string bytes(bytes_to_put, 'x');
        document.append(bytes.data(), bytes.size());
        content = document.seal();
    }

    HttpProcess process({words[1], memory, false});
    while (!process.hello() && !process.closed()) {
        pollfd waited{process.socket(), POLLIN, 0};
        ::poll(&waited, 1, 10000);
        process.receive();
    }
    const auto begin = std::chrono::steady_clock::now();
    uint64_t sent = 0;
    uint64_t ended = 0;
    uint64_t bytes = 0;
    uint64_t objects = 0;
    std::map<std::string, uint64_t> failures;
    while (ended < total && !process.closed()) {
        while (sent < total && process.open_requests() < at_once)
            process.send(request_of(operation, words[5], ++sent, options), content.get());
        pollfd waited{process.socket(), POLLIN, 0};
        ::poll(&waited, 1, 10000);
        while (auto answer = process.receive()) {
            ++ended;
            bytes += answer->response.size;
            objects += answer->response.objects.size();
            if (answer->response.failure) ++failures[answer->response.failure.message];
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%.3f s, %.0f requests/s, %.1f MB/s", took.count(), static_cast<double>(ended) / took.count(),
                static_cast<double>(bytes) / 1e6 / took.count());
    if (objects > 0) std::printf(", %llu objects", static_cast<unsigned long long>(objects));
    std::printf("\n");
    if (process.closed()) std::printf("pg_ocr_http %s\n", process.obituary().c_str());
    for (const auto& [message, times] : failures)
        std::printf("%llu × %s\n", static_cast<unsigned long long>(times), message.c_str());
    return failures.empty() && ended == total ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    if (count < 6) {
        std::cerr << "many_transfers PROGRAM fetch|list|put|post COUNT AT_ONCE NAME OPTION=VALUE…\n";
        return 2;
    }
    return run(words, count);
}
