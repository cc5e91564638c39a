#include "worker/engine_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "engine/read_document.h"
#include "protocol/sealed_document.h"
#include "served_card.h"

namespace pg_ocr {
namespace {

constexpr int patience_ms = 60000;  // for what never comes; nothing waits that long when all is well

EngineSettings real_engine() { return {ENGINE, TESSDATA, uint64_t{1} << 30}; }
EngineSettings rogue_engine(const std::string& script) { return {ROGUE_ENGINE, script, uint64_t{1} << 30}; }

/// The next message; nothing: the engine has gone.
std::optional<EngineMessage> next(EngineProcess& engine) {
    for (;;) {
        std::optional<EngineMessage> message = engine.receive();
        if (message || engine.closed()) return message;
        pollfd wait{engine.socket(), POLLIN, 0};
        if (::poll(&wait, 1, patience_ms) == 0) throw std::runtime_error("the engine says nothing");
    }
}

Hello hello_of(EngineProcess& engine) {
    std::optional<EngineMessage> message = next(engine);
    if (!message) throw std::runtime_error("the engine " + engine.obituary());
    return std::get<Hello>(*message);
}

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string test_data(const std::string& name) { return content_of(std::string(TEST_DATA) + "/" + name); }

UniqueFd sealed(const std::string& bytes) {
    SealedDocument document;
    document.append(bytes.data(), bytes.size());
    return document.seal();
}

struct Outcome {
    DocumentInfo info;
    std::vector<Page> pages;
    Failure failure;
    uint64_t peak_memory = 0;
    uint64_t card_lines = 0;
    std::string card_trouble;
    std::string text() const {
        std::string all;
        for (const Page& page : pages) all += page.text + "\f";
        return all;
    }
};

Outcome read(EngineProcess& engine, const std::string& bytes, const ReadRequest& request = {}) {
    engine.send_read(request, sealed(bytes).get());
    Outcome outcome;
    while (std::optional<EngineMessage> message = next(engine)) {
        if (const auto* info = std::get_if<DocumentInfo>(&*message)) outcome.info = *info;
        if (const auto* page = std::get_if<Page>(&*message)) outcome.pages.push_back(*page);
        if (const auto* failure = std::get_if<Failure>(&*message)) outcome.failure = *failure;
        if (const auto* finished = std::get_if<Finished>(&*message)) {
            outcome.peak_memory = finished->peak_memory;
            outcome.card_lines = finished->card_lines;
            outcome.card_trouble = finished->card_trouble;
        }
        if (outcome.failure || outcome.peak_memory != 0) return outcome;
    }
    throw std::runtime_error("the engine " + engine.obituary());
}

/// Reads in this process, without any sandbox.
class Unconfined : public ReadEvents {
  public:
    Outcome read(const std::string& bytes, const ReadRequest& request) {
        Recognisers recognisers(TESSDATA);
        warm_up(recognisers, "eng", Recogniser::own);
        read_document(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), request, recognisers, *this);
        return outcome_;
    }
    void opened(const DocumentInfo& info) override { outcome_.info = info; }
    void page_started(uint32_t) override {}
    void page_done(const Page& page) override { outcome_.pages.push_back(page); }

  private:
    Outcome outcome_;
};

std::set<std::string> open_descriptors(const std::string& process) {
    std::set<std::string> names;
    DIR* directory = ::opendir(("/proc/" + process + "/fd").c_str());
    if (directory == nullptr) return names;
    while (const dirent* entry = ::readdir(directory)) {
        if (entry->d_name[0] != '.') names.insert(entry->d_name);
    }
    ::closedir(directory);
    return names;
}

/// Readable once the process has ended, whoever its parent is by then.
UniqueFd watch(pid_t pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool ends(const UniqueFd& process) {
    pollfd wait{process.get(), POLLIN, 0};
    return process && ::poll(&wait, 1, patience_ms) == 1;
}

std::string status_of(pid_t pid, const std::string& field) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind(field + ":\t", 0) == 0) return line.substr(field.size() + 2);
    }
    return "";
}

TEST(Engine, SaysHelloFromItsSandbox) {
    EngineProcess engine(real_engine());
    Hello hello = hello_of(engine);
    EXPECT_EQ(hello.version, PG_OCR_VERSION);
    EXPECT_EQ(hello.tesseract.rfind("tesseract ", 0), 0u) << hello.tesseract;
    EXPECT_EQ(hello.protections.size(), 12u);
    for (const Protection& protection : hello.protections) {
        bool may_lack = protection.name == "landlock" || (protection.name == "processes" && ::geteuid() == 0);
        EXPECT_TRUE(protection.holds || may_lack) << protection.name << ": " << protection.detail;
    }
    EXPECT_EQ(status_of(engine.pid(), "Seccomp"), "2");
    EXPECT_EQ(status_of(engine.pid(), "NoNewPrivs"), "1");
    EXPECT_GT(engine.resident_memory(), uint64_t{10} << 20);
}

TEST(Engine, ReadsOneDocumentAfterTheOther) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    for (int i = 1; i <= 3; ++i) {
        Outcome outcome = read(engine, test_data("phototest/phototest.tif"));
        EXPECT_EQ(outcome.info.type, "TIFF");
        ASSERT_EQ(outcome.pages.size(), 1u);
        EXPECT_NE(outcome.pages[0].text.find("The quick brown dog jumped"), std::string::npos);
        EXPECT_GT(outcome.peak_memory, uint64_t{10} << 20);
        EXPECT_EQ(engine.documents_read(), static_cast<uint64_t>(i));
    }
    EXPECT_EQ(read(engine, "no document").failure.code, ErrorCode::document_unsupported);
    EXPECT_EQ(read(engine, "").failure.code, ErrorCode::document_empty);
    EXPECT_EQ(read(engine, test_data("phototest/phototest.tif")).pages.size(), 1u) << "failures are survived";
}

TEST(Engine, ReadsOnACardWhatItReadsByItself) {
    const std::string document = test_data("phototest/phototest.tif");
    EngineProcess alone(real_engine()), served(real_engine());
    hello_of(alone);
    hello_of(served);
    const Outcome by_cpu = read(alone, document);
    EXPECT_EQ(by_cpu.card_lines, 0u);
    {
        const ServedCard card(stand_in_card);
        served.send_card({false}, card.connect().get());
        const Outcome by_card = read(served, document);
        EXPECT_GT(by_card.card_lines, 0u);
        EXPECT_EQ(by_card.card_trouble, "");
        EXPECT_EQ(by_card.pages.at(0).layout, by_cpu.pages.at(0).layout);
        EXPECT_EQ(by_card.text(), by_cpu.text());
    }
    const Outcome after = read(served, document);
    EXPECT_EQ(after.text(), by_cpu.text());
    EXPECT_EQ(after.card_lines, 0u);
    EXPECT_EQ(after.card_trouble, "the card's service: it has gone");
    const ServedCard next(stand_in_card);
    served.send_card({false}, next.connect().get());
    EXPECT_GT(read(served, document).card_lines, 0u) << "another takes its place";
}

TEST(Engine, ReadsTheSelectedPagesThatAreNotDone) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    ReadRequest request;
    request.pages = {{2, 3}, {3, 0}};
    request.done = {3};
    Outcome outcome = read(engine, test_data("pypdf-samples/pdflatex-4-pages.pdf"), request);
    EXPECT_EQ(outcome.info.pages, 4u);
    EXPECT_EQ(outcome.info.selected, 3u);
    ASSERT_EQ(outcome.pages.size(), 2u);
    EXPECT_EQ(outcome.pages[0].page_no, 2u);
    EXPECT_EQ(outcome.pages[1].page_no, 4u);
}

/// A PDF whose fonts are not embedded is rendered with the system's. Were those out of reach, the page would come out
/// blank and nobody would be told.
TEST(Engine, RendersFontsThatAPdfDoesNotEmbed) {
    std::string pdf =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n"
        "4 0 obj<</Length 54>>stream\nBT /F 36 Tf 30 90 Td (Fonts from the system) Tj ET   \nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n";
    ReadRequest request;
    request.text_layer = TextLayer::ignore;
    EngineProcess engine(real_engine());
    hello_of(engine);
    Outcome outcome = read(engine, pdf, request);
    ASSERT_EQ(outcome.pages.size(), 1u);
    EXPECT_NE(outcome.text().find("Fonts from the system"), std::string::npos) << outcome.text();
}

TEST(Engine, ReadsInItsSandboxWhatItReadsOutside) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    ReadRequest request;
    request.text_layer = TextLayer::ignore;
    for (const char* name : {"ocrmypdf-robust/formxobject.pdf", "ocrmypdf-robust/truetype_font_nomapping.pdf",
                             "ocrmypdf-robust/type3_font_nomapping.pdf", "linn/ccitt.pdf", "formats/simple.webp",
                             "pillow-robust/16bit.cropped.jp2"}) {
        std::string bytes = test_data(name);
        EXPECT_EQ(read(engine, bytes, request).text(), Unconfined().read(bytes, request).text()) << name;
    }
}

TEST(Engine, ReadsUnicodeTextLayersInItsSandbox) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    std::string bytes = test_data("pypdf-samples/pdflatex-4-pages.pdf");
    Outcome confined = read(engine, bytes);
    EXPECT_EQ(confined.text(), Unconfined().read(bytes, {}).text());
    ASSERT_FALSE(confined.pages.empty());
    EXPECT_EQ(confined.pages[0].source, PageSource::text_layer);
}

TEST(Engine, RefusesADocumentThatCouldChangeUnderIt) {
    for (int seals : {0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_SHRINK}) {
        EngineProcess engine(real_engine());
        hello_of(engine);
        UniqueFd document(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        ASSERT_EQ(::fcntl(document.get(), F_ADD_SEALS, seals), 0);
        engine.send_read({}, document.get());
        EXPECT_FALSE(next(engine));
        EXPECT_EQ(engine.obituary(), "exited with code 1: the document did not come as a sealed memfd");
    }
}

TEST(Engine, RefusesADocumentThatIsNoMemoryFile) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    engine.send_read({}, file.get());
    EXPECT_FALSE(next(engine));
    EXPECT_EQ(engine.obituary(), "exited with code 1: the document did not come as a sealed memfd");
}

TEST(Engine, EndsWhenItHearsRubbish) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    ASSERT_EQ(::write(engine.socket(), "rubbish, and no frame", 21), 21);
    EXPECT_FALSE(next(engine));
    EXPECT_NE(engine.obituary().find("exited with code 1: a frame of protocol version"), std::string::npos);

    EngineProcess other(real_engine());
    hello_of(other);
    Channel(other.socket()).send(static_cast<uint8_t>(MessageType::finished), encode(Finished{1, false, 0, ""}));
    EXPECT_FALSE(next(other));
    EXPECT_NE(other.obituary().find("exited with code 1: a message of type"), std::string::npos);
}

TEST(Engine, EndsWellWhenItsWorkerHangsUp) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    ASSERT_EQ(::shutdown(engine.socket(), SHUT_WR), 0);
    EXPECT_FALSE(next(engine));
    EXPECT_EQ(engine.obituary(), "exited with code 0");
}

TEST(Engine, SaysWhatItIsToWhoeverStartsItByHand) {
    EngineProcess engine({ENGINE, "", 1});
    EXPECT_FALSE(next(engine));
    EXPECT_NE(engine.obituary().find("exited with code 2: database that has the extension."), std::string::npos);
    EXPECT_NE(engine.drain_stderr().find("not started by hand"), std::string::npos);
}

TEST(Engine, KilledOnAPageIsFoundDead) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    engine.send_read({}, sealed(test_data("phototest/phototest.tif")).get());
    while (std::optional<EngineMessage> message = next(engine)) {
        if (std::holds_alternative<PageStarted>(*message)) ::kill(engine.pid(), SIGKILL);
    }
    EXPECT_TRUE(engine.closed());
    EXPECT_EQ(engine.obituary(), "was killed by signal 9 (Killed)");
    EXPECT_EQ(engine.pid(), 0);
    EXPECT_EQ(engine.resident_memory(), 0u);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left";
}

TEST(Engine, InheritsNothing) {
    ::setenv("PG_OCR_TEST_SECRET", "x", 1);
    UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    UniqueFd secret(::fcntl(null.get(), F_DUPFD, 100));  // without O_CLOEXEC
    sigset_t blocked;
    sigset_t before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, &before);
    auto* old = ::signal(SIGPIPE, SIG_IGN);
    EngineProcess engine(real_engine());
    ::signal(SIGPIPE, old);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::unsetenv("PG_OCR_TEST_SECRET");

    Hello hello = hello_of(engine);
    EXPECT_EQ(status_of(engine.pid(), "SigBlk"), "0000000000000000");
    EXPECT_EQ(std::stoull(status_of(engine.pid(), "SigIgn"), nullptr, 16) >> (SIGPIPE - 1) & 1, 0u);
    EXPECT_EQ(::getpgid(engine.pid()), engine.pid());
    for (const Protection& protection : hello.protections) {
        EXPECT_TRUE(protection.holds || protection.name != "environment") << protection.detail;
    }
    if (::geteuid() != 0) GTEST_SKIP() << "only root may look at its descriptors and environment";
    std::string environment = content_of("/proc/" + std::to_string(engine.pid()) + "/environ");
    EXPECT_EQ(environment, std::string("OMP_THREAD_LIMIT=1\0LC_ALL=C.UTF-8\0", 34));
    EXPECT_EQ(open_descriptors(std::to_string(engine.pid())).count(std::to_string(secret.get())), 0u);
}

TEST(Engine, DiesWithItsParent) {
    int report[2];
    ASSERT_EQ(::pipe2(report, O_CLOEXEC), 0);
    pid_t parent = ::fork();
    if (parent == 0) {
        EngineProcess engine(real_engine());
        hello_of(engine);
        pid_t pid = engine.pid();
        if (::write(report[1], &pid, sizeof(pid)) == sizeof(pid)) ::poll(nullptr, 0, -1);
        ::_exit(1);
    }
    pid_t pid = 0;
    ::close(report[1]);
    ASSERT_EQ(::read(report[0], &pid, sizeof(pid)), static_cast<ssize_t>(sizeof(pid)));
    UniqueFd engine = watch(pid);
    ASSERT_EQ(::kill(parent, SIGKILL), 0);
    EXPECT_TRUE(ends(engine));
    ASSERT_EQ(::waitpid(parent, nullptr, 0), parent);
    ::close(report[0]);
}

TEST(Engine, DiesWithItsOwner) {
    UniqueFd process;
    {
        EngineProcess engine(real_engine());
        process = watch(engine.pid());
    }
    EXPECT_TRUE(ends(process));
}

TEST(Engine, LeavesNothingBehind) {
    std::set<std::string> before = open_descriptors("self");
    for (int i = 0; i < 50; ++i) {
        EngineProcess engine(real_engine());
        if (i % 10 == 0) hello_of(engine);
    }
    EXPECT_EQ(open_descriptors("self").size(), before.size());
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a zombie is left";
    EXPECT_EQ(errno, ECHILD);
}

TEST(Engine, BurnsNoMoreProcessorTimeThanItMay) {
    EngineProcess engine(real_engine());
    hello_of(engine);
    engine.set_cpu_limit(0);
    std::string bytes = test_data("linn/linn.pdf");
    ReadRequest request;
    request.text_layer = TextLayer::ignore;
    auto read_on = [&] {
        for (int i = 0; i < 200; ++i) read(engine, bytes, request);  // many times what it may
    };
    EXPECT_THROW(read_on(), std::runtime_error);
    EXPECT_EQ(engine.obituary().rfind("was killed by signal 24", 0), 0u) << engine.obituary();
    engine.set_cpu_limit(1);  // of the dead: no error
}

TEST(Engine, OutOfMemoryIsAFailureNotAnEmptyPage) {
    EngineProcess engine({ENGINE, TESSDATA, uint64_t{200} << 20});
    hello_of(engine);
    SealedDocument large;
    std::string chunk(uint64_t{1} << 20, '\0');
    for (int i = 0; i < 200; ++i) large.append(chunk.data(), chunk.size());
    engine.send_read({}, large.seal().get());
    std::optional<EngineMessage> message = next(engine);
    ASSERT_TRUE(message);
    EXPECT_EQ(std::get<Failure>(*message).code, ErrorCode::engine_memory);
    EXPECT_EQ(read(engine, test_data("phototest/phototest.tif")).pages.size(), 1u);
}

TEST(Engine, KeepsAPageWhosePictureDoesNotFitIntoItsMemory) {
    const std::string pdf =
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 6600 6600]/Contents 4 0 R/Resources<</Font<</F 5 0 "
        "R>>>>>>endobj\n"
        "4 0 obj<</Length 96>>stream\nBT /F 20 Tf 300 900 Td (A poster has some words that are its own and nobody "
        "needs to read) "
        "Tj ET\nendstream endobj\n"
        "5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>\n";
    ReadRequest request;
    request.debug = true;
    EngineProcess engine({ENGINE, TESSDATA, uint64_t{800} << 20});
    hello_of(engine);
    const Outcome outcome = read(engine, pdf, request);
    ASSERT_EQ(outcome.pages.size(), 1u);
    EXPECT_EQ(outcome.pages[0].source, PageSource::text_layer);
    EXPECT_EQ(outcome.pages[0].text, "A poster has some words that are its own and nobody needs to read\n");
    EXPECT_EQ(outcome.pages[0].picture.size(), 0u);
    const Outcome after = read(engine, test_data("phototest/phototest.tif"), request);
    ASSERT_EQ(after.pages.size(), 1u);
    EXPECT_GT(after.pages[0].picture.size(), 1000u);
}

TEST(EngineProcess, NamesTheProgramThatItCannotStart) {
    std::set<std::string> before = open_descriptors("self");
    try {
        EngineProcess engine({"/nowhere/pg_ocr_engine", TESSDATA, 1});
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere/pg_ocr_engine"), std::string::npos);
        EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    }
    EXPECT_EQ(open_descriptors("self").size(), before.size());
}

TEST(EngineProcess, HandsOverOneDocumentAtATime) {
    EngineProcess engine(rogue_engine("hello read wait"));
    EXPECT_THROW(engine.send_read({}, sealed("x").get()), std::logic_error);
    hello_of(engine);
    engine.send_read({}, sealed("x").get());
    EXPECT_THROW(engine.send_read({}, sealed("x").get()), std::logic_error);
}

TEST(EngineProcess, FindsADeathBeforeTheDocumentAsADeath) {
    EngineProcess engine(rogue_engine("hello"));
    hello_of(engine);
    ASSERT_TRUE(ends(watch(engine.pid())));
    engine.send_read({}, sealed("x").get());
    EXPECT_FALSE(next(engine));
    EXPECT_EQ(engine.obituary(), "exited with code 3");
}

TEST(EngineProcess, QuotesTheLastWordsOfItsEngine) {
    EngineProcess engine(rogue_engine("words hello"));
    hello_of(engine);
    EXPECT_FALSE(next(engine));
    EXPECT_EQ(engine.drain_stderr(), "first line\nlast ?[31mwords\n");
    EXPECT_EQ(engine.drain_stderr(), "");
    EXPECT_EQ(engine.obituary(), "exited with code 3: last ?[31mwords");
}

/// What an engine dies of that says so much while it reads.
Failure cause_of_death(const std::string& steps) {
    EngineProcess engine(rogue_engine("hello read " + steps));
    hello_of(engine);
    engine.send_read({}, sealed("x").get());
    while (next(engine)) {
    }
    return engine.cause_of_death();
}

TEST(EngineProcess, TellsALackOfMemoryFromACrash) {
    EXPECT_EQ(cause_of_death("opened:1:1 started:1").code, ErrorCode::engine_crashed);
    for (const char* words : {"Out+of+memory", "Out+of+memory say:Segmentation+follows", "Insufficient+memory+(case+4)",
                              "instance+of+'std..bad_alloc'"}) {
        Failure memory = cause_of_death("opened:1:1 started:1 say:" + std::string(words));
        EXPECT_EQ(memory.code, ErrorCode::engine_memory) << words;
        EXPECT_NE(memory.message.find("exited with code 3"), std::string::npos) << memory.message;
        EXPECT_NE(memory.message.find("raise pg_ocr.engine_memory"), std::string::npos) << memory.message;
    }
    const std::string absurd = "say:Bogus+memory+allocation+size";
    EXPECT_EQ(cause_of_death("opened:1:1 started:1 " + absurd).code, ErrorCode::page_damaged);
    EXPECT_EQ(cause_of_death(absurd).code, ErrorCode::document_damaged);
    EXPECT_EQ(cause_of_death("say:Out+of+memory failed").code, ErrorCode::engine_crashed)
        << "what it said of another document";
}

TEST(EngineProcess, IsNotHeldUpByAFloodOfComplaints) {
    EngineProcess engine(rogue_engine("flood hello"));
    ASSERT_TRUE(ends(watch(engine.pid()))) << "nobody has read a word, and still it is through";
    hello_of(engine);
    EXPECT_LE(engine.drain_stderr().size(), 16384u);
}

TEST(EngineProcess, KillsAnEngineThatDoesNotEnd) {
    EngineProcess engine(rogue_engine("hello wait"));
    hello_of(engine);
    EXPECT_EQ(engine.obituary(), "did not end by itself and was killed");
    EXPECT_EQ(engine.pid(), 0);
}

/// An engine that asks its worker to believe what cannot be is found out, at the first wrong word.
TEST(EngineProcess, ChecksWhatTheEngineSays) {
    struct Case {
        const char* script;
        const char* complaint;  ///< "": none
    };
    ReadRequest request;
    request.pages = {{1, 2}, {4, 0}};
    request.done = {4};
    // Of five pages 1, 2, 4 and 5 are selected, and 4 is done.
    for (const Case& each : std::vector<Case>{
             {"hello read opened:5:4 started:1 done:1 started:2 done:2 started:5 done:5 finished", ""},
             {"hello read opened:5:4 started:1 failed", ""},
             {"hello read failed", ""},
             {"opened:5:4", "did not say hello first"},
             {"bad-hello", "not UTF-8"},
             {"garbage", "protocol version"},
             {"hello hello", "spoke without having been asked"},
             {"hello read started:1", "did not open the document first"},
             {"hello read finished", "did not open the document first"},
             {"hello read hello", "did not open the document first"},
             {"hello read opened:5:5", "miscounted"},
             {"hello read opened:5:4 opened:5:4", "out of turn"},
             {"hello read opened:5:4 fd", "descriptor"},
             {"hello read opened:5:4 done:1", "had not started"},
             {"hello read opened:5:4 started:1 done:2", "had not started"},
             {"hello read opened:5:4 started:1 started:2", "before it was done"},
             {"hello read opened:5:4 started:0", "not asked for"},
             {"hello read opened:5:4 started:3", "not asked for"},
             {"hello read opened:5:4 started:6", "not asked for"},
             {"hello read opened:5:4 started:4", "done already"},
             {"hello read opened:5:4 started:1 done:1 started:1", "done already"},
             {"hello read opened:5:4 started:1 not-utf8:1", "not UTF-8"},
             {"hello read opened:5:4 started:1 done:1 finished", "pages missing"},
             {"hello read opened:5:4 started:1 done:1 started:2 done:2 started:5 finished", "pages missing"},
             {"hello read failed finished", "spoke without having been asked"},
         }) {
        EngineProcess engine(rogue_engine(each.script));
        std::string complaint;
        try {
            while (std::optional<EngineMessage> message = next(engine)) {
                if (std::holds_alternative<Hello>(*message) &&
                    std::string(each.script).find("read") != std::string::npos)
                    engine.send_read(request, sealed("x").get());
            }
        } catch (const ProtocolError& error) {
            complaint = error.what();
        }
        EXPECT_EQ(complaint.empty(), std::string(each.complaint).empty()) << each.script << ": " << complaint;
        EXPECT_NE(complaint.find(each.complaint), std::string::npos) << each.script << ": " << complaint;
    }
}

/// The first wrong word of an engine that was asked to do something else than to read; "" where there is none.
std::string complaint_of(const char* script, const std::function<void(EngineProcess&)>& ask) {
    EngineProcess engine(rogue_engine(script));
    try {
        while (std::optional<EngineMessage> message = next(engine))
            if (std::holds_alternative<Hello>(*message)) ask(engine);
    } catch (const ProtocolError& error) {
        return error.what();
    }
    return "";
}

TEST(EngineProcess, ChecksWhatTheEngineDraws) {
    DrawRequest request;
    request.dpi = 150;
    for (uint32_t page_no : {2u, 7u}) request.pages.push_back({page_no, 10, 10, 300, 0, 0});
    auto complaint = [&](const char* script) {
        return complaint_of(script, [&](EngineProcess& engine) { engine.send_draw(request, sealed("x").get()); });
    };
    EXPECT_EQ(complaint("hello read drawn:2 drawn:7 finished"), "");
    EXPECT_EQ(complaint("hello read drawn:2 failed"), "");
    EXPECT_NE(complaint("hello read drawn:7").find("not its turn"), std::string::npos);
    EXPECT_NE(complaint("hello read drawn:2 finished").find("pages missing"), std::string::npos);
    EXPECT_NE(complaint("hello read drawn:2 drawn:7 drawn:7").find("not its turn"), std::string::npos);
    EXPECT_NE(complaint("hello read piece").find("out of turn"), std::string::npos);
    EXPECT_NE(complaint("hello read opened:1:1").find("out of turn"), std::string::npos);
}

TEST(EngineProcess, ChecksWhatTheEngineComposes) {
    auto complaint = [](const char* script) {
        return complaint_of(script, [](EngineProcess& engine) {
            engine.send_compose({}, sealed("x").get());
            EXPECT_THROW(engine.send_read({}, sealed("x").get()), std::logic_error);
            engine.send_layout({{1, 10, 10, 300, 0, 0}, {}});
            engine.send_layouts_end();
            EXPECT_THROW(engine.send_layouts_end(), std::logic_error);
        });
    };
    EXPECT_EQ(complaint("hello read read read piece piece finished"), "");
    EXPECT_EQ(complaint("hello read read read failed"), "");
    EXPECT_NE(complaint("hello read read read piece drawn:1").find("out of turn"), std::string::npos);
    EXPECT_NE(complaint("hello read read read piece finished piece").find("without having been asked"),
              std::string::npos);
}

}  // namespace
}  // namespace pg_ocr
