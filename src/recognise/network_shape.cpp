#include "recognise/network_shape.h"

#include <utility>

namespace pg_ocr::recognise {
namespace {

/// Of what lies between two layers, for each pixel of the line's width. Models of Tesseract have a thousandth to a
/// tenth of these.
constexpr uint64_t most_numbers = 1 << 15;
constexpr uint64_t most_products = 1 << 24;
constexpr uint32_t most_pixels_of_a_step = 1 << 10;

/// So many pixels, or, where there are none, the line's width divided.
struct Side {
    uint32_t pixels = 0;
    uint32_t divisor = 1;
    bool operator==(const Side& other) const { return pixels == other.pixels && divisor == other.divisor; }

    void divide(uint32_t by) {
        if (pixels > 0) {
            pixels /= by;
            if (pixels == 0) throw ModelError("has a network in which a line shrinks to nothing");
        } else {
            divisor *= by;
            if (divisor > most_pixels_of_a_step) throw ModelError("has a network in which a line shrinks to nothing");
        }
    }
};

class Walk {
  public:
    struct Shape {
        Side rows, columns;
        bool operator==(const Shape& other) const { return rows == other.rows && columns == other.columns; }
    };

    Shape through(const Layer& layer, Shape shape) {
        switch (layer.type) {
            case LayerType::maxpool:
            case LayerType::reconfig:
                shape.rows.divide(layer.y);
                shape.columns.divide(layer.x);
                break;
            case LayerType::series:
                for (const Layer& inner : layer.inner) shape = through(inner, shape);
                break;
            case LayerType::parallel:
                shape = side_by_side(layer, shape);
                break;
            case LayerType::reverse_x:
            case LayerType::reverse_y:
                shape = through(layer.inner.front(), shape);
                break;
            case LayerType::transpose_xy:
                std::swap(shape.rows, shape.columns);
                shape = through(layer.inner.front(), shape);
                std::swap(shape.rows, shape.columns);
                break;
            case LayerType::lstm:
            case LayerType::lstm_summary:
                for (const Weights& gate : layer.gates) weigh(gate, shape);
                if (layer.type == LayerType::lstm_summary) shape.columns = {1, 1};
                break;
            default:
                weigh(layer.weights, shape);
        }
        if (times_pixels(layer.outputs, shape) > most_numbers)
            throw ModelError("has a network that needs too much memory");
        return shape;
    }

  private:
    Shape side_by_side(const Layer& layer, const Shape& shape) {
        const Shape first = through(layer.inner.front(), shape);
        for (size_t i = 1; i < layer.inner.size(); ++i)
            if (!(through(layer.inner[i], shape) == first))
                throw ModelError("has layers side by side whose outputs differ in size");
        return first;
    }
    void weigh(const Weights& weights, const Shape& shape) {
        products_ += times_pixels(uint64_t{weights.outputs} * (weights.inputs + 1), shape);
        if (products_ > most_products) throw ModelError("has a network that needs too much time");
    }
    /// For each pixel of the line's width. Only one side depends on it.
    static uint64_t times_pixels(uint64_t amount, const Shape& shape) {
        for (const Side& side : {shape.rows, shape.columns}) amount *= side.pixels > 0 ? side.pixels : 1;
        return amount / shape.rows.divisor / shape.columns.divisor;
    }
    uint64_t products_ = 0;
};

}  // namespace

uint32_t pixels_of_a_step(const Layer& root, uint32_t height) {
    const Walk::Shape shape = Walk().through(root, {.rows = {height, 1}, .columns = {}});
    if (shape.rows.pixels != 1 || shape.columns.pixels != 0)
        throw ModelError("has a network of which not one row of steps comes out");
    return shape.columns.divisor;
}

}  // namespace pg_ocr::recognise
