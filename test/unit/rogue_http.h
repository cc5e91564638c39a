// What rogue_http.cpp may be asked to do.
#pragma once

enum class Mischief {
    none = 1,
    no_hello,
    other_version,
    lacks_protection,
    unasked,
    no_document,
    not_sealed,
    wrong_size,
    not_text,
    answers_twice,
    failure_with_document,
    dies,
};
