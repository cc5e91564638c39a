// Who has the CPU: each moment of a page's reading belongs to one stage, the innermost that was entered.
#pragma once

#include <array>
#include <cstddef>

#include "network_bench.h"

enum class Stage : size_t { rest, decode, threshold, layout, crop, network, search, text };
using StageSeconds = std::array<double, 8>;

class StageClock {
  public:
    /// Until the end of its life.
    class In {
      public:
        explicit In(Stage);
        ~In();
        In(const In&) = delete;
        In& operator=(const In&) = delete;

      private:
        Stage outer_;
    };
    /// Of this thread since the last call.
    static StageSeconds taken();

  private:
    static void enter(Stage);
    static Stage current_;
    static double since_;
    static StageSeconds seconds_;
};
