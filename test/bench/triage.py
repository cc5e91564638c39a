"""Prints what estimates of right words are worth, from lines `name, right words of 100, estimate, mean of the words'
confidences`, parted by tabs; test/bench/triage calls it.

A bad page has more than 5 wrong words of 100. AUROC is the chance that of a bad page and another the bad one has the lower
figure."""
import statistics
import sys

EDGES = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 92, 94, 96, 98, 100]
APPROVED_FROM = 90
BAD_BELOW = 95


def auroc(figures, is_bad):
    good = [figure for figure, bad in zip(figures, is_bad) if not bad]
    bad = [figure for figure, bad in zip(figures, is_bad) if bad]
    if not good or not bad:
        return None
    lower = sum((b < g) + (b == g) / 2 for b in bad for g in good)
    return lower / (len(good) * len(bad))


def print_bins(figures, right):
    print("   from     to  pages  predicted  right  at worst")
    for low, high in zip(EDGES, EDGES[1:]):
        inside = [(figure, truth) for figure, truth in zip(figures, right)
                  if low <= figure < high or figure == high == EDGES[-1]]
        if inside:
            print(f"{low:7} {high:6} {len(inside):6} {statistics.mean(f for f, _ in inside):10.1f} "
                  f"{statistics.mean(t for _, t in inside):6.1f} {min(t for _, t in inside):9.1f}")


def print_worth(name, figures, right):
    is_bad = [truth < BAD_BELOW for truth in right]
    area = auroc(figures, is_bad)
    approved = [truth for figure, truth in zip(figures, right) if figure >= APPROVED_FROM]
    print(f"\n{name}")
    print_bins(figures, right)
    print(f"off by {statistics.mean(abs(f - t) for f, t in zip(figures, right)):.1f} in the mean; "
          f"AUROC {'unknown: no page is bad, or all are' if area is None else f'{area:.3f}'}")
    print(f"at {APPROVED_FROM} and above: {len(approved)} of {len(right)} pages, of which more than 5 words of 100 are wrong "
          f"on {sum(t < 95 for t in approved)}, more than 10 on {sum(t < 90 for t in approved)}")


def main():
    rows = [line.rstrip("\n").split("\t") for line in sys.stdin]
    if not rows:
        sys.exit("no page was measured")
    right, estimates, means = ([float(row[column]) for row in rows] for column in (1, 2, 3))
    print_worth("confidence", estimates, right)
    print_worth("mean of the words' confidences", means, right)


if __name__ == "__main__":
    main()
