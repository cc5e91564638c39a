// libqpdf's headers.
#pragma once

#if defined(__clang__)
// Clang does not take a class of JSON.hh for C++20 code with libstdc++. Nothing here needs more of it than its name.
#define JSON_HH
class JSON;
#endif

#include <qpdf/DLL.h>
#include <qpdf/Buffer.hh>
#include <qpdf/Pipeline.hh>
#include <qpdf/Pl_Flate.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFExc.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <qpdf/QPDFPageDocumentHelper.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>
#include <qpdf/QUtil.hh>
