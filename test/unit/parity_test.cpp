// Our own recogniser, held to the program `tesseract` of the version that the engine is linked with: on the same pixels
// the same lines, and texts no further from the truth. PARITY_DATA=FOLDER compares on any other folder of documents,
// with the truth of X in X.gt.txt. Prints what it measured, and each line that differs.
#include <gtest/gtest.h>
#include <tesseract/baseapi.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <semaphore>
#include <sstream>
#include <thread>

#include "engine/read/document_type.h"
#include "engine/read/reader.h"
#include "engine/write/page_text.h"
#include "reading.h"
#include "scoring.h"

namespace pg_ocr {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

/// What is compared of test/data: what shows text that can be read.
bool is_compared(const std::string& name) {
    return std::ranges::any_of(
        std::array{"archiscribe-de/", "edgar/", "formats/", "linn/", "phototest/", "pypdf-samples/", "tapus-fr/",
                   "tulu/", "ocrmypdf-robust/multipage.pdf", "ocrmypdf-robust/typewriter.png"},
        [&](const char* prefix) { return name.starts_with(prefix); });
}

/// What is not written in English, by the beginning of its name.
std::string languages_of(const std::string& name) {
    for (const auto& [prefix, languages] : {std::pair{"archiscribe-de/", "deu"},
                                            {"tapus-fr/", "fra"},
                                            {"tulu/", "kan"},
                                            {"phototest/eurotext", "eng+deu"}})
        if (name.starts_with(prefix)) return languages;
    return "eng";
}

bool are_installed(const std::string& languages) {
    std::istringstream codes(languages);
    for (std::string code; std::getline(codes, code, '+');)
        if (!is_installed(code)) return false;
    return true;
}

std::string quoted(const std::string& word) {
    std::string result = "'";
    for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

/// What a command writes; nothing where it fails.
std::optional<std::string> output_of(const std::string& command) {
    FILE* const pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return std::nullopt;
    std::string output;
    std::array<char, 4096> buffer;
    for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        output.append(buffer.data(), got);
    return pclose(pipe) == 0 ? std::optional(output) : std::nullopt;
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = fs::temp_directory_path() / "parity.XXXXXX";
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder");
        path_ = name;
    }
    ~TemporaryFolder() { fs::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

/// What the program says of an image; nothing where it cannot read it.
using StockText = std::shared_future<std::optional<std::string>>;

/// The program `tesseract`, a process per core at most. Ends after what it has given.
class Stock {
  public:
    StockText read(const fs::path& image, const std::string& languages) { return start(command(image, languages)); }
    StockText read(PIX* pixels, int32_t dpi, const std::string& languages) {
        const fs::path image = folder_.path() / (std::to_string(++images_) + ".tif");
        if (pixWrite(image.c_str(), pixels, IFF_TIFF) != 0) throw std::runtime_error("cannot write an image");
        return start(command(image, languages) + " --dpi " + std::to_string(dpi) + " && rm " + quoted(image));
    }

  private:
    static std::string command(const fs::path& image, const std::string& languages) {
        return "OMP_THREAD_LIMIT=1 timeout 300 tesseract " + quoted(image) + " - --psm 3 -l " + languages +
               " --tessdata-dir " + quoted(tessdata_directory()) + " 2>/dev/null";
    }
    /// Waits for a core.
    StockText start(const std::string& command) {
        cores_->acquire();
        return std::async(std::launch::async, [command, cores = cores_] {
            std::optional<std::string> text = output_of(command);
            cores->release();
            return text;
        });
    }
    std::shared_ptr<std::counting_semaphore<>> cores_ =
        std::make_shared<std::counting_semaphore<>>(std::max(1u, std::thread::hardware_concurrency()));
    TemporaryFolder folder_;
    int images_ = 0;
};

struct ComparedPage {
    std::string ours;
    StockText same_pixels;  ///< of what our recogniser read
    StockText as_it_is;     ///< of the file where that is one image; else of the page before any turn of ours
};

struct Document {
    std::string name;
    std::optional<std::string> truth;
    std::vector<ComparedPage> pages;
};

struct Tally {
    size_t equal = 0;  ///< lines that both read, in the same order
    size_t lines = 0;  ///< of the one that read more
    size_t pages = 0;
    Score ours, stock, stock_as_it_is;  ///< against the truth; the page as in ComparedPage
    Tally& operator+=(const Tally& other) {
        equal += other.equal;
        lines += other.lines;
        pages += other.pages;
        ours += other.ours;
        stock += other.stock;
        stock_as_it_is += other.stock_as_it_is;
        return *this;
    }
};

Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        const size_t begin = line.find_first_not_of(" \t\f\r");
        if (begin != std::string::npos)
            lines.push_back(line.substr(begin, line.find_last_not_of(" \t\f\r") - begin + 1));
    }
    return lines;
}

/// The longest sequence of lines in both; prints the others.
size_t equal_lines(const Lines& stock, const Lines& ours) {
    std::vector<std::vector<size_t>> equal(stock.size() + 1, std::vector<size_t>(ours.size() + 1));
    for (size_t i = stock.size(); i-- > 0;)
        for (size_t j = ours.size(); j-- > 0;)
            equal[i][j] = stock[i] == ours[j] ? equal[i + 1][j + 1] + 1 : std::max(equal[i + 1][j], equal[i][j + 1]);
    for (size_t i = 0, j = 0; i < stock.size() || j < ours.size();) {
        if (i < stock.size() && j < ours.size() && stock[i] == ours[j])
            ++i, ++j;
        else if (j == ours.size() || (i < stock.size() && equal[i + 1][j] >= equal[i][j + 1]))
            std::printf("  stock %s\n", stock[i++].c_str());
        else
            std::printf("  ours  %s\n", ours[j++].c_str());
    }
    return equal[0][0];
}

/// Throws DocumentError where there is no document.
Document compared(const fs::path& file, const std::string& name, Stock& stock) {
    ReadRequest request;
    request.languages = languages_of(name);
    request.text_layer = TextLayer::ignore;
    request.limits.page_pixels = 100'000'000;
    Document document{name, {}, {}};
    if (const fs::path truth = file.string() + ".gt.txt"; fs::exists(truth)) document.truth = contents_of(truth);
    const std::string bytes = contents_of(file);
    const Bytes view(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    const DocumentType type = document_type(view);
    const std::unique_ptr<Reader> reader = open_document(type, view, request);
    for (uint32_t page_no = 1; page_no <= reader->pages(); ++page_no) try {
            PageImage image = reader->image_of(page_no), again{Pixels(pixClone(image.pixels.get())), image.dpi, 0, {}};
            const std::string ours = page_text(read_in_tesseracts_lines(again, recognisers(), request.languages));
            ComparedPage& both = document.pages.emplace_back(ComparedPage{ours, {}, {}});
            const bool is_image = type != DocumentType::pdf && reader->pages() == 1;
            both.as_it_is = is_image ? stock.read(file, request.languages)
                                     : stock.read(image.pixels.get(), image.dpi, request.languages);
            both.same_pixels = is_image ? stock.read(image.pixels.get(), image.dpi, request.languages) : both.as_it_is;
        } catch (const DocumentError&) {
            // a page that cannot be read
        }
    return document;
}

void add(Tally& tally, const Document& document) {
    std::string ours, stock, as_it_is;
    for (const ComparedPage& page : document.pages) {
        const std::optional<std::string>& same_pixels = page.same_pixels.get();
        if (!same_pixels) {
            std::printf("%s: tesseract does not read it\n", document.name.c_str());
            return;
        }
        ours += page.ours;
        stock += *same_pixels;
        as_it_is += page.as_it_is.get().value_or(*same_pixels);  // it may not know the format
        const Lines wanted = lines_of(*same_pixels), got = lines_of(page.ours);
        const size_t equal = equal_lines(wanted, got), lines = std::max(wanted.size(), got.size());
        if (equal < lines) std::printf("%s: %zu of %zu lines equal\n", document.name.c_str(), equal, lines);
        tally.equal += equal;
        tally.lines += lines;
        ++tally.pages;
    }
    if (!document.truth || document.pages.empty()) return;
    const Score of_ours = score_of(*document.truth, ours), of_stock = score_of(*document.truth, stock);
    const Score of_file = score_of(*document.truth, as_it_is);
    if (of_ours.character_errors != of_stock.character_errors || of_ours.character_errors != of_file.character_errors)
        std::printf("%s: CER %.4f, stock %.4f, on the file as it is %.4f\n", document.name.c_str(), of_ours.cer(),
                    of_stock.cer(), of_file.cer());
    tally.ours += of_ours;
    tally.stock += of_stock;
    tally.stock_as_it_is += of_file;
}

std::vector<fs::path> files_under(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

void print(const std::string& name, const Tally& tally) {
    std::printf("%-16s %5zu %6zu %7.2f%%", name.c_str(), tally.pages, tally.lines,
                100.0 * static_cast<double>(tally.equal) / static_cast<double>(tally.lines));
    if (tally.ours.characters > 0)
        for (double (Score::*of)() const : {&Score::cer, &Score::wer, &Score::f1})
            std::printf("   %.4f %.4f %.4f", (tally.ours.*of)(), (tally.stock.*of)(), (tally.stock_as_it_is.*of)());
    std::printf("\n");
}

/// A line that differs does so by a part of a pixel, and either reading may be the better one.
constexpr double luck = 0.001;

void expect_no_worse(const Score& ours, const Score& stock, const std::string& name) {
    EXPECT_LE(ours.cer(), stock.cer() + luck) << name;
    EXPECT_LE(ours.wer(), stock.wer() + luck) << name;
    EXPECT_GE(ours.f1(), stock.f1() - luck) << name;
}

TEST(Score, CountsEditsAndWords) {
    const Score score =
        score_of("The quick, brown\nfox—l\u2019été re-\nturns", "fox the  quick brawn fox—l'été returns");
    EXPECT_EQ(score.characters, 36u);
    EXPECT_EQ(score.words, 6u);
    EXPECT_EQ(score.word_errors, 6u);
    EXPECT_EQ(score.bag_written, 5u);
    EXPECT_EQ(score.bag_read, 6u);
    EXPECT_EQ(score.bag_found, 4u);
    EXPECT_DOUBLE_EQ(score.f1(), 8.0 / 11);
    EXPECT_DOUBLE_EQ(score_of("abcd efgh", "abxd efg").cer(), 2.0 / 9);
}

TEST(OwnRecogniser, ReadsWhatTesseractReads) {
    const std::string version = std::string("tesseract ") + tesseract::TessBaseAPI::Version();
    ASSERT_TRUE(output_of("tesseract --version 2>&1").value_or("").starts_with(version + "\n"))
        << "there is no program to compare with: " << version;
    const char* const other = std::getenv("PARITY_DATA");
    const fs::path folder = other != nullptr ? other : TEST_DATA;
    Stock stock;
    std::map<std::string, std::vector<Document>> corpora;
    for (const fs::path& file : files_under(folder)) {
        const std::string name = fs::relative(file, folder);
        if ((other == nullptr && !is_compared(name)) || !are_installed(languages_of(name))) continue;
        try {
            corpora[name.substr(0, name.find('/'))].push_back(compared(file, name, stock));
        } catch (const DocumentError&) {  // no document, or one that nobody reads
        }
    }
    std::map<std::string, Tally> tallies;
    for (const auto& [corpus, documents] : corpora)
        for (const Document& document : documents) add(tallies[corpus], document);
    std::printf("%-16s %5s %6s %8s   %-20s   %-20s   %s\n", "", "pages", "lines", "equal", "CER: ours, stock, …", "WER",
                "F1; …: stock on the file as it is");
    Tally all;
    for (const auto& [corpus, tally] : tallies) {
        if (tally.lines == 0) continue;
        print(corpus, tally);
        expect_no_worse(tally.ours, tally.stock, corpus);
        all += tally;
    }
    print("all", all);
    expect_no_worse(all.ours, all.stock_as_it_is, "all, as they are");
    EXPECT_GE(all.equal * 100, all.lines * 99);
    EXPECT_TRUE(other != nullptr || all.lines > 1000) << all.lines;
}

}  // namespace
}  // namespace pg_ocr
