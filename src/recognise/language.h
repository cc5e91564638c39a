// All of a model that turns scores into words.
#pragma once

#include <cstdint>
#include <string>

#include "recognise/dictionary.h"
#include "recognise/model_file.h"
#include "recognise/network.h"
#include "recognise/recoder.h"
#include "recognise/unicharset.h"

namespace pg_ocr::recognise {

/// What a model asks for, of the many settings that it could: those that bear on words.
struct LanguageSettings {
    std::string forbidden;      ///< characters never to be read
    std::string only;           ///< … the only ones; empty: all
    std::string allowed_again;  ///< … for all that
};
/// Lines of a name and a value; others are passed over.
LanguageSettings parse_settings(std::span<const uint8_t>);

struct Language {
    Unicharset unicharset;
    Recoder recoder;
    Dictionary dictionary;  ///< may be empty
    LanguageSettings settings;
    uint32_t classes = 0;
    int32_t null_code = 0;
    bool simple_text = false;
};

/// Of a model and the network that was parsed from it. Throws ModelError.
Language parse_language(const ModelFile&, const Network&);

}  // namespace pg_ocr::recognise
