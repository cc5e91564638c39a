// Text goes before all that a page draws: there nothing that the page does to the state of its drawing moves it, and
// the page's own content stays as it is, balanced or not. It shows nothing, so it does not matter what is drawn over
// it.
#include "engine/pdf/compose.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "engine/pdf/glyphless_font.h"
#include "engine/pdf/open_qpdf.h"
#include "engine/pdf/pipelines.h"
#include "engine/pdf/qpdf.h"
#include "engine/pdf/stored_image.h"
#include "engine/read/document_type.h"
#include "engine/read/exif.h"
#include "engine/read/reader.h"
#include "engine/read/resolution.h"
#include "engine/read/turn.h"
#include "engine/write/utf8.h"

namespace pg_ocr {
namespace {

constexpr double points_per_inch = 72;

QPDFObjectHandle dictionary_in(QPDFObjectHandle dictionary, const std::string& key) {
    QPDFObjectHandle inner = dictionary.getKey(key);
    // A copy, as others may share it.
    inner = inner.isDictionary() ? inner.shallowCopy() : QPDFObjectHandle::newDictionary();
    dictionary.replaceKey(key, inner);
    return inner;
}

/// The name by which the page knows the font from now on.
std::string add_font(QPDFPageObjectHelper& page, const QPDFObjectHandle& font) {
    QPDFObjectHandle resources = page.getAttribute("/Resources", true);
    if (!resources.isDictionary()) {
        resources = QPDFObjectHandle::newDictionary();
        page.getObjectHandle().replaceKey("/Resources", resources);
    }
    QPDFObjectHandle fonts = dictionary_in(resources, "/Font");
    std::string name(font_in_content);
    for (int n = 1; fonts.hasKey(name); ++n) name = std::string(font_in_content) + std::to_string(n);
    fonts.replaceKey(name, font);
    return name;
}

void lay_text(QPDF& pdf, QPDFPageObjectHelper& page, const DrawnWords& words, const QPDFObjectHandle& font) {
    const Rectangle box = visible_box(page);
    const Affine points = pixels_to_points(words.view, box.left, box.bottom, box.right, box.top);
    QPDFObjectHandle content = QPDFObjectHandle::newStream(&pdf);
    content.replaceStreamData(deflated(content_of(words, points, add_font(page, font))),
                              QPDFObjectHandle::newName("/FlateDecode"), QPDFObjectHandle::newNull());
    page.addPageContents(content, true);
}

void write(QPDF& pdf, const std::function<void(std::string_view)>& take, const char* at_least = nullptr) {
    Outlet outlet(take);
    QPDFWriter writer(pdf);
    writer.setOutputPipeline(&outlet);
    if (at_least != nullptr) writer.setMinimumPDFVersion(at_least);
    // What there is stays as it is.
    writer.setDecodeLevel(qpdf_dl_none);
    writer.setCompressStreams(false);
    if (!pdf.isEncrypted()) writer.setDeterministicID(true);
    writer.write();
}

/// Among the fields of its form, or as a permission that a signature gives.
bool is_signed(QPDF& pdf) {
    QPDFObjectHandle permissions = pdf.getRoot().getKey("/Perms");
    if (permissions.isDictionary() && !permissions.getKeys().empty()) return true;
    QPDFObjectHandle form = pdf.getRoot().getKey("/AcroForm");
    if (!form.isDictionary()) return false;
    constexpr size_t most_fields = 100000;
    std::vector<QPDFObjectHandle> fields{form.getKey("/Fields")};
    for (size_t seen = 0; !fields.empty() && seen + fields.size() < most_fields; ++seen) {
        QPDFObjectHandle field = fields.back();
        fields.pop_back();
        if (field.isArray()) {
            const std::vector<QPDFObjectHandle> kids = field.getArrayAsVector();
            fields.insert(fields.end(), kids.begin(), kids.end());
        } else if (field.isDictionary()) {
            if (field.getKey("/V").isDictionary() && field.getKey("/V").hasKey("/ByteRange")) return true;
            if (field.getKey("/Kids").isArray()) fields.push_back(field.getKey("/Kids"));
        }
    }
    return false;
}

/// Returns whether it was signed.
bool compose_pdf(Bytes document, const std::string& password, const TextLayerWriter& text,
                 const std::function<void(std::string_view)>& take) {
    const std::unique_ptr<QPDF> opened_pdf = opened_by_qpdf(document, password);
    QPDF& pdf = *opened_pdf;
    std::vector<QPDFPageObjectHelper> pages = QPDFPageDocumentHelper(pdf).getAllPages();
    if (!text.pages().empty() && text.pages().rbegin()->first > pages.size())
        throw DocumentError(ErrorCode::document_damaged, "the PDF has " + std::to_string(pages.size()) +
                                                             " pages that can be found, and page " +
                                                             std::to_string(text.pages().rbegin()->first) +
                                                             " was read; is it the document that the job read?");
    QPDFObjectHandle font = glyphless_font(pdf, text.characters().characters());
    for (const auto& [page_no, words] : text.pages()) lay_text(pdf, pages[page_no - 1], words, font);
    write(pdf, take);
    return is_signed(pdf);
}

/// A page of an image: what it is, and how it is to be shown.
struct ImagePage {
    StoredImage image;
    uint16_t orientation = 1;  ///< as in TIFF and EXIF
    double dpi = 0;            ///< that the file says; 0: none that can be believed
};

/// In points, before it is turned. A page that was read is as large as it was read: what is squeezed was stretched.
std::pair<double, double> size_of(const ImagePage& page, const DrawnWords* words) {
    constexpr double longest = 14400, resolution_unsaid = 300;
    auto width = static_cast<double>(page.image.width), height = static_cast<double>(page.image.height);
    double dpi = page.dpi > 0 ? page.dpi : resolution_unsaid;
    if (words != nullptr && words->view.dpi > 0) {
        width = words->view.width;
        height = words->view.height;
        if (words->view.rotation % 180 != 0) std::swap(width, height);
        dpi = words->view.dpi;
    }
    const double scale = std::min(points_per_inch / dpi, longest / std::max(width, height));
    return {width * scale, height * scale};
}

void add_image_page(QPDF& pdf, const ImagePage& stored, const DrawnWords* words, const QPDFObjectHandle& font) {
    const auto [width, height] = size_of(stored, words);
    const Turn turn = turn_of(stored.orientation);
    std::string box, drawing = "q ";
    for (double side : {width, height}) box += ' ' + QUtil::double_to_string(side, 4);
    const std::string across = QUtil::double_to_string(width, 4), down = QUtil::double_to_string(height, 4);
    drawing += (turn.mirror ? '-' + across + " 0 0 " + down + ' ' + across : across + " 0 0 " + down + " 0") +
               " 0 cm /Im Do Q\n";
    QPDFObjectHandle page =
        QPDFObjectHandle::parse("<< /Type /Page /MediaBox [0 0" + box + "] /Resources << /XObject << >> >> /Rotate " +
                                std::to_string(turn.degrees) + " >>");
    if (stored.image.is_there) {
        page.getKey("/Resources").getKey("/XObject").replaceKey("/Im", stored.image.object);
        page.replaceKey("/Contents", QPDFObjectHandle::newStream(&pdf, drawing));
    }
    QPDFPageObjectHelper helper(pdf.makeIndirectObject(page));
    if (words != nullptr) lay_text(pdf, helper, *words, font);
    QPDFPageDocumentHelper(pdf).addPage(helper, false);
}

double dpi_said(double across, double down, int64_t width, int64_t height) {
    return credible_resolution(std::max(across, down), static_cast<int32_t>(width), static_cast<int32_t>(height));
}

/// Of a size that nothing has, the page keeps its place.
TiffPage with_a_size(TiffPage page) {
    constexpr uint32_t longest = longest_side;
    page.width = std::clamp(page.width, 1u, longest);
    page.height = std::clamp(page.height, 1u, longest);
    return page;
}

void compose_image(DocumentType type, Bytes document, const Limits& limits, const TextLayerWriter& text,
                   const std::function<void(std::string_view)>& take) {
    setMsgSeverity(L_SEVERITY_NONE);
    QPDF pdf;
    pdf.setSuppressWarnings(true);
    pdf.emptyPDF();
    QPDFObjectHandle font = glyphless_font(pdf, text.characters().characters());
    auto words_of = [&text](uint32_t page_no) {
        auto found = text.pages().find(page_no);
        return found == text.pages().end() ? nullptr : &found->second;
    };
    if (type == DocumentType::tiff) {
        uint32_t page_no = 0;
        for (const TiffPage& found : tiff_pages(document).pages) {
            const TiffPage page = with_a_size(found);
            add_image_page(pdf,
                           {stored_tiff_page(pdf, document, page, limits), page.orientation,
                            dpi_said(page.horizontal_resolution, page.vertical_resolution, page.width, page.height)},
                           words_of(++page_no), font);
        }
    } else {
        const StoredImage image = stored_image(pdf, type, document, limits);
        const Exif exif = exif_of(type, document);
        add_image_page(pdf, {image, exif.orientation, dpi_said(exif.resolution, 0, image.width, image.height)},
                       words_of(1), font);
    }
    write(pdf, take, "1.5");  // which knows JPEG 2000, and samples of 16 bits
}

[[noreturn]] void throw_damaged(const std::string& why) {
    throw DocumentError(ErrorCode::document_damaged,
                        "the PDF is damaged: " + valid_utf8(why) + "; give it again from an undamaged file");
}

[[noreturn]] void throw_failure_of(const QPDFExc& error, const std::string& password) {
    if (error.getErrorCode() != qpdf_e_password) throw_damaged(error.getMessageDetail());
    if (password.empty())
        throw DocumentError(ErrorCode::document_encrypted,
                            "the PDF is encrypted; give its password with password => …");
    throw DocumentError(ErrorCode::document_password_wrong,
                        "the PDF is encrypted and the password does not open it; give the right one");
}

}  // namespace

bool compose(Bytes document, const ComposeRequest& request, const TextLayerWriter& text,
             const std::function<void(std::string_view)>& take) {
    const std::string& password = request.password;
    const DocumentType type = document_type(document);
    if (type == DocumentType::pdf && text.pages().empty()) {
        take({reinterpret_cast<const char*>(document.data()), document.size()});
        return false;
    }
    try {
        if (type == DocumentType::pdf) return compose_pdf(document, password, text, take);
        compose_image(type, document, request.limits, text, take);
        return false;
    } catch (const DocumentError&) {
        throw;
    } catch (const std::system_error&) {  // of `take`
        throw;
    } catch (const QPDFExc& error) {
        throw_failure_of(error, password);
    } catch (const std::logic_error& error) {  // libqpdf throws these as well, for PDFs that break its assumptions
        throw_damaged(error.what());
    } catch (const std::runtime_error& error) {
        throw_damaged(error.what());
    }
}

void warm_up_compose() {
    QPDF pdf;
    pdf.emptyPDF();
    Outlet nowhere([](std::string_view) {});
    QPDFWriter writer(pdf);
    writer.setOutputPipeline(&nowhere);
    writer.setR6EncryptionParameters("user", "owner", true, true, true, true, true, true, qpdf_r3p_full, true);
    writer.write();
}

}  // namespace pg_ocr
