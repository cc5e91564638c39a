#include "engine/tables/ruled_grids.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>

#include "engine/tables/refined_grid.h"

namespace pg_ocr {
namespace {

/// In inches: how far a line may end before the one that it meets, and lines may be apart that are one edge.
constexpr double nearly = 0.05, same_edge = 0.05;
/// Of a line that ends there without another, how far an edge is from the last one.
constexpr double open_edge = 0.15;
/// Of the side of a place, how much is to be drawn.
constexpr double drawn = 0.6;

/// Lines that meet, directly or through others.
class Meetings {
  public:
    explicit Meetings(const Sheet& sheet) : rules_(sheet.rules) {
        parents_.resize(rules_.across.size() + rules_.down.size());
        std::iota(parents_.begin(), parents_.end(), size_t{0});
        const int32_t near = sheet.inches(nearly);
        auto above = [](const Rule& rule, int32_t at) { return rule.at < at; };
        for (size_t i = 0; i < rules_.down.size(); ++i) {
            const Rule& down = rules_.down[i];
            auto rule = std::lower_bound(rules_.across.begin(), rules_.across.end(), down.begin - near, above);
            for (; rule != rules_.across.end() && rule->at <= down.end + near; ++rule)
                if (rule->begin - near <= down.at && down.at <= rule->end + near)
                    join(static_cast<size_t>(rule - rules_.across.begin()), rules_.across.size() + i);
        }
    }
    std::vector<Rules> clusters() {
        std::map<size_t, Rules> by_root;
        for (size_t i = 0; i < rules_.across.size(); ++i) by_root[root_of(i)].across.push_back(rules_.across[i]);
        for (size_t i = 0; i < rules_.down.size(); ++i)
            by_root[root_of(rules_.across.size() + i)].down.push_back(rules_.down[i]);
        std::vector<Rules> clusters;
        for (auto& [root, rules] : by_root)
            if (rules.across.size() >= 2 && !rules.down.empty()) clusters.push_back(std::move(rules));
        return clusters;
    }

  private:
    size_t root_of(size_t i) {
        while (parents_[i] != i) i = parents_[i] = parents_[parents_[i]];
        return i;
    }
    void join(size_t a, size_t b) { parents_[root_of(a)] = root_of(b); }
    const Rules& rules_;
    std::vector<size_t> parents_;
};

/// Where lines run, ascending; those of one edge once.
std::vector<int32_t> edges_of(const std::vector<Rule>& rules, int32_t aside) {
    std::vector<int32_t> edges;
    for (size_t begin = 0, end = 0; begin < rules.size(); begin = end) {
        int64_t sum = 0, weight = 0;
        while (end < rules.size() && rules[end].at - rules[begin].at <= aside) {
            sum += static_cast<int64_t>(rules[end].at) * rules[end].length();
            weight += rules[end].length();
            ++end;
        }
        edges.push_back(static_cast<int32_t>(sum / std::max<int64_t>(weight, 1)));
    }
    return edges;
}

/// Where most of the lines end that run the other way: an edge that is not drawn.
void add_open_edges(std::vector<int32_t>& edges, const std::vector<Rule>& others, int32_t apart) {
    std::vector<int32_t> begins, ends;
    for (const Rule& rule : others) {
        begins.push_back(rule.begin);
        ends.push_back(rule.end);
    }
    auto middle = static_cast<ptrdiff_t>(others.size() / 2);
    std::nth_element(begins.begin(), begins.begin() + middle, begins.end());
    std::nth_element(ends.begin(), ends.begin() + middle, ends.end());
    const int32_t first = begins[static_cast<size_t>(middle)], last = ends[static_cast<size_t>(middle)];
    if (edges.empty()) return;
    if (first < edges.front() - apart) edges.insert(edges.begin(), first);
    if (last > edges.back() + apart) edges.push_back(last);
}

/// Of each edge and each place along it, whether a line is drawn there.
class DrawnSides {
  public:
    DrawnSides(const std::vector<Rule>& rules, const std::vector<int32_t>& edges, const std::vector<int32_t>& along,
               int32_t aside)
        : places_(along.size() - 1), lengths_(edges.size() * places_) {
        for (const Rule& rule : rules) {
            auto edge = std::lower_bound(edges.begin(), edges.end(), rule.at - aside);
            if (edge == edges.end()) continue;
            if (edge + 1 != edges.end() && *(edge + 1) - rule.at < rule.at - *edge) ++edge;
            const auto row = static_cast<size_t>(edge - edges.begin()) * places_;
            auto place = std::upper_bound(along.begin(), along.end(), rule.begin);
            auto i = static_cast<size_t>(std::max<ptrdiff_t>(place - along.begin() - 1, 0));
            for (; i < places_ && along[i] < rule.end; ++i)
                lengths_[row + i] += std::max(0, std::min(rule.end, along[i + 1]) - std::max(rule.begin, along[i]));
        }
        for (size_t i = 0; i < lengths_.size(); ++i) {
            const size_t place = i % places_;
            is_drawn_.push_back(lengths_[i] >= drawn * (along[place + 1] - along[place]));
        }
    }
    bool at(int32_t edge, int32_t place) const {
        return is_drawn_[static_cast<size_t>(edge) * places_ + static_cast<size_t>(place)];
    }

  private:
    size_t places_;
    std::vector<int32_t> lengths_;
    std::vector<bool> is_drawn_;
};

/// Places that no line parts are one cell.
void add_cells(Grid& grid, const DrawnSides& across, const DrawnSides& down) {
    const int32_t rows = grid.rows(), columns = grid.columns();
    std::vector<bool> taken(static_cast<size_t>(rows) * static_cast<size_t>(columns));
    auto place = [&](int32_t row, int32_t column) {
        return static_cast<size_t>(row) * static_cast<size_t>(columns) + static_cast<size_t>(column);
    };
    for (int32_t row = 0; row < rows; ++row)
        for (int32_t column = 0; column < columns; ++column) {
            if (taken[place(row, column)]) continue;
            GridCell cell{row, column, 1, 1, {}};
            while (column + cell.column_span < columns && !taken[place(row, column + cell.column_span)] &&
                   !down.at(column + cell.column_span, row))
                ++cell.column_span;
            auto goes_on_below = [&] {
                const int32_t below = row + cell.row_span;
                if (below >= rows) return false;
                for (int32_t i = column; i < column + cell.column_span; ++i)
                    if (across.at(below, i) || taken[place(below, i)]) return false;
                for (int32_t i = column + 1; i < column + cell.column_span; ++i)
                    if (down.at(i, below)) return false;
                const int32_t right = column + cell.column_span;
                return (right >= columns || down.at(right, below)) && (column == 0 || down.at(column, below));
            };
            while (goes_on_below()) ++cell.row_span;
            for (int32_t r = row; r < row + cell.row_span; ++r)
                for (int32_t c = column; c < column + cell.column_span; ++c) taken[place(r, c)] = true;
            grid.cells.push_back(std::move(cell));
        }
}

void add_words(Grid& grid, const Sheet& sheet) {
    const int32_t columns = grid.columns();
    std::vector<size_t> cell_at(static_cast<size_t>(grid.rows()) * static_cast<size_t>(columns));
    for (size_t i = 0; i < grid.cells.size(); ++i) {
        const GridCell& cell = grid.cells[i];
        for (int32_t row = cell.row; row < cell.row + cell.row_span; ++row)
            for (int32_t column = cell.column; column < cell.column + cell.column_span; ++column)
                cell_at[static_cast<size_t>(row) * static_cast<size_t>(columns) + static_cast<size_t>(column)] = i;
    }
    const Box box = grid.box();
    for (uint32_t i = 0; i < sheet.words.size(); ++i) {
        const int32_t x = sheet.words[i].centre_x(), y = sheet.words[i].centre_y();
        if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) continue;
        const auto column = std::upper_bound(grid.xs.begin(), grid.xs.end(), x) - grid.xs.begin() - 1;
        const auto row = std::upper_bound(grid.ys.begin(), grid.ys.end(), y) - grid.ys.begin() - 1;
        grid.cells[cell_at[static_cast<size_t>(row) * static_cast<size_t>(columns) + static_cast<size_t>(column)]]
            .words.push_back(i);
    }
}

/// Columns, or rows, that hold no cell's beginning or nothing but a double line.
bool is_table(const Grid& grid) {
    if (grid.rows() < 2 || grid.columns() < 2 || grid.cells.size() < 4) return false;
    size_t filled = 0, words = 0;
    for (const GridCell& cell : grid.cells) {
        filled += cell.words.empty() ? 0 : 1;
        words += cell.words.size();
    }
    constexpr size_t least_filled = 3, most_words_in_frames = 50;
    constexpr double least_share_filled = 0.15, least_regular = 0.3;
    if (filled < least_filled ||
        static_cast<double>(filled) < least_share_filled * static_cast<double>(grid.cells.size()))
        return false;
    // A page in frames.
    if (grid.cells.size() <= 6 && words > most_words_in_frames * filled) return false;
    // A form: boxes of all sizes.
    const auto places = static_cast<double>(grid.rows()) * grid.columns();
    return static_cast<double>(grid.cells.size()) >= least_regular * places;
}

}  // namespace

std::vector<Grid> ruled_grids(const Sheet& sheet) {
    std::vector<Grid> grids;
    const int32_t aside = sheet.inches(same_edge), apart = sheet.inches(open_edge);
    for (const Rules& rules : Meetings(sheet).clusters()) {
        Grid grid{edges_of(rules.down, aside), edges_of(rules.across, aside), {}};
        add_open_edges(grid.xs, rules.across, apart);
        add_open_edges(grid.ys, rules.down, apart);
        if (grid.columns() < 2 || grid.rows() < 2 || grid.columns() > most_columns || grid.rows() > most_rows ||
            grid.columns() * grid.rows() > most_places)
            continue;
        add_cells(grid, DrawnSides(rules.across, grid.ys, grid.xs, aside),
                  DrawnSides(rules.down, grid.xs, grid.ys, aside));
        add_words(grid, sheet);
        if (is_table(grid)) grids.push_back(refined(sheet, std::move(grid)));
    }
    return grids;
}

}  // namespace pg_ocr
