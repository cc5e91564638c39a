// An engine that says whatever its test wants: the steps stand in --tessdata, parted by spaces.
//   hello, bad-hello, read (waits for one), opened:PAGES:SELECTED, started:PAGE, done:PAGE, not-utf8:PAGE, finished,
//   failed, fd (a frame with a descriptor), garbage, flood (a megabyte to stderr), words (a line to stderr),
//   say:WORDS (to stderr, + for a space), wait
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/message.h"

using namespace pg_ocr;

namespace {

void say(Channel& worker, MessageType type, const std::string& body, int fd = -1) {
    worker.send(static_cast<uint8_t>(type), body, fd);
}

void act(Channel& worker, int socket, const std::vector<std::string>& step) {
    const std::string& name = step[0];
    auto number = [&](size_t i) { return static_cast<uint32_t>(std::stoul(step.at(i))); };
    if (name == "hello") say(worker, MessageType::hello, encode(Hello{"1", "rogue", {}}));
    if (name == "bad-hello") say(worker, MessageType::hello, encode(Hello{"\xff", "rogue", {}}));
    if (name == "read" && !worker.receive()) std::exit(0);
    if (name == "opened") say(worker, MessageType::opened, encode(DocumentInfo{"PDF", number(1), number(2)}));
    if (name == "started") say(worker, MessageType::page_started, encode_page_started(number(1)));
    if (name == "done" || name == "not-utf8") {
        Page page;
        page.page_no = number(1);
        page.text = name == "done" ? "gr\xc3\xbc\xc3\x9f" : "\xed\xa0\x80";
        say(worker, MessageType::page_done, encode(page));
    }
    if (name == "drawn") say(worker, MessageType::drawn, encode(Drawn{number(1), "image/png", 1, 1, "x", {}}));
    if (name == "piece") say(worker, MessageType::piece, "x");
    if (name == "finished") say(worker, MessageType::finished, encode(Finished{1, false, 0, ""}));
    if (name == "failed") say(worker, MessageType::failed, encode(Failure{ErrorCode::document_damaged, "damaged"}));
    if (name == "fd") say(worker, MessageType::finished, encode(Finished{1, false, 0, ""}), STDIN_FILENO);
    if (name == "garbage") std::exit(::write(socket, "garbage, not a frame", 20) == 20 ? 0 : 1);
    if (name == "words") std::fputs("first line\nlast \x1b[31mwords\n", stderr);
    if (name == "say") {
        std::string line = step.at(1) + '\n';
        std::replace(line.begin(), line.end(), '+', ' ');
        std::fputs(line.c_str(), stderr);
    }
    for (int i = 0; name == "flood" && i < (1 << 14); ++i)
        std::fputs("sixty-four bytes of a complaint that nobody is going to listen to\n", stderr);
    if (name == "wait") ::poll(nullptr, 0, -1);
}

}  // namespace

int main(int count, char** words) {
    int socket = -1;
    std::string script;
    for (int i = 1; i + 1 < count; i += 2) {
        if (std::string(words[i]) == "--socket") socket = std::stoi(words[i + 1]);
        if (std::string(words[i]) == "--tessdata") script = words[i + 1];
    }
    Channel worker(socket);
    std::istringstream steps(script);
    for (std::string step; steps >> step;) {
        std::vector<std::string> parts;
        std::istringstream from(step);
        for (std::string part; std::getline(from, part, ':');) parts.push_back(part);
        act(worker, socket, parts);
    }
    return 3;
}
