// pg_ocr_gpu: the service of one card, which reads lines for all engines. The launcher starts it; should it die, the
// engines go on by themselves, and it is started again.
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "gpu/card_service.h"
#include "sandbox/sandbox.h"

namespace pg_ocr {
namespace {

struct Arguments {
    int socket = -1;
    pid_t parent = 0;
    uint32_t card = 0;
    std::string library;
    uint64_t memory = 0;
    CardServiceSettings service;
};

template <typename Integer>
bool parse_number(std::string_view text, Integer& to) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
    return error == std::errc() && end == text.data() + text.size();
}

std::optional<Arguments> parse_arguments(int count, char** words) {
    Arguments arguments;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view name = words[i];
        const std::string_view value = words[i + 1];
        if ((name == "--socket" && parse_number(value, arguments.socket)) ||
            (name == "--parent" && parse_number(value, arguments.parent)) ||
            (name == "--card" && parse_number(value, arguments.card)) ||
            (name == "--memory" && parse_number(value, arguments.memory)) ||
            (name == "--engines" && parse_number(value, arguments.service.most_engines)))
            continue;
        if (name == "--library") {
            arguments.library = value;
        } else if (name == "--tessdata") {
            arguments.service.models = value;
        } else {
            return std::nullopt;
        }
    }
    const bool complete = count == 15 && arguments.socket >= 0 && arguments.parent > 0 && arguments.memory > 0 &&
                          !arguments.library.empty() && !arguments.service.models.empty();
    if (!complete) return std::nullopt;
    return arguments;
}

/// 'stand-in', or a library's path.
const CardTable& table_of(const std::string& library) {
    if (library == stand_in_card.name) return stand_in_card;
    // It is never closed: a card's driver leaves threads behind.
    void* loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (loaded == nullptr)
        throw std::runtime_error(std::string("the library of cards cannot be loaded: ") + ::dlerror());
    const auto table_of_library = reinterpret_cast<CardTableOf>(::dlsym(loaded, card_table_symbol));
    const CardTable* table = table_of_library == nullptr ? nullptr : table_of_library();
    if (table == nullptr || table->version != card_version)
        throw std::runtime_error(library + " is not of this version of pg_ocr; install both together");
    return *table;
}

void serve(const Arguments& arguments) {
    const CardTable& table = table_of(arguments.library);
    CardInfo info{};
    Card* card = table.open(arguments.card, arguments.memory, &info);
    if (card == nullptr) throw std::runtime_error(info.error);
    {
        CardService service(table, card, info, arguments.service, arguments.socket);
        try {
            service.run();
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            // Without the service's end, which waits for threads that may hang in the card's driver.
            ::_exit(1);
        }
    }
    table.close(card);
}

bool is_socket(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace
}  // namespace pg_ocr

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--version") {
        std::puts("pg_ocr_gpu " PG_OCR_VERSION);
        return 0;
    }
    const std::optional<pg_ocr::Arguments> arguments = pg_ocr::parse_arguments(argc, argv);
    if (!arguments || !pg_ocr::is_socket(arguments->socket)) {
        std::fputs(
            "pg_ocr_gpu reads lines on a graphics card for PostgreSQL's extension pg_ocr. The server starts one for\n"
            "each card, as the setting pg_ocr.gpu says; it is not started by hand.\n",
            stderr);
        return 2;
    }
    if (!pg_ocr::die_with_parent(arguments->parent)) {
        std::fputs("the process that started the service has ended\n", stderr);
        return 1;
    }
    // Pages' lines are in its memory; and it has nothing to start.
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    try {
        pg_ocr::serve(*arguments);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
