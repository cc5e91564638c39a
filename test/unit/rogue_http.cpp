// A pg_ocr_http that misbehaves as its test wants: the number in --memory says how. See http_process_test.cpp.
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/http_message.h"
#include "protocol/sealed_document.h"
#include "unit/rogue_http.h"

using namespace pg_ocr;

namespace {

constexpr std::string_view content = "content";

void say(Channel& parent, HttpMessageType type, const std::string& body, int fd = -1) {
    parent.send(static_cast<uint8_t>(type), body, fd);
}

UniqueFd unsealed() {
    UniqueFd fd(::memfd_create("unsealed", MFD_ALLOW_SEALING));
    if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) std::exit(1);
    return fd;
}

UniqueFd sealed() {
    SealedDocument document;
    document.append(content.data(), content.size());
    return document.seal();
}

}  // namespace

int main(int count, char** words) {
    int socket = -1;
    Mischief mischief = Mischief::none;
    for (int i = 1; i + 1 < count; i += 2) {
        if (std::string(words[i]) == "--socket") socket = std::stoi(words[i + 1]);
        if (std::string(words[i]) == "--memory") mischief = static_cast<Mischief>(std::stoi(words[i + 1]));
    }
    Channel parent(socket);
    HttpHello hello{PG_OCR_VERSION, "libcurl", {{"landlock", mischief != Mischief::lacks_protection, "too old"}}};
    if (mischief == Mischief::other_version) hello.version = "0";
    if (mischief != Mischief::no_hello) say(parent, HttpMessageType::hello, encode(hello));
    if (mischief == Mischief::unasked) {
        HttpResponse response;
        response.id = 1;
        say(parent, HttpMessageType::response, encode(response));
    }
    while (std::optional<Frame> frame = parent.receive()) {
        const HttpRequest request = decode_http_request(frame->body);
        if (mischief == Mischief::dies) return 3;
        HttpResponse response;
        response.id = request.id;
        response.status = 200;
        UniqueFd document;
        if (request.operation == HttpOperation::fetch && mischief != Mischief::no_document) {
            response.size = content.size();
            document = mischief == Mischief::not_sealed ? unsealed() : sealed();
        }
        if (mischief == Mischief::wrong_size) response.size = content.size() - 1;
        if (mischief == Mischief::not_text) response.etag = "\xff";
        if (mischief == Mischief::answers_twice)
            say(parent, HttpMessageType::response, encode(response), document.get());
        if (mischief == Mischief::failure_with_document) response.failure = {ErrorCode::store_denied, "no"};
        say(parent, HttpMessageType::response, encode(response), document.get());
    }
    return 0;
}
