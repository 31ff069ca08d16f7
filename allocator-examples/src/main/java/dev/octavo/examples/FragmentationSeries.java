package dev.octavo.examples;

import dev.octavo.bench.strategy.Fragmentation;

/// The free blocks of a region, by order, at moments evenly spread over a replay.
final class FragmentationSeries {
  /// Enough for smooth curves and for means to three digits.
  static final int SAMPLES = 500;

  private final int[] eventCounts = new int[SAMPLES + 1];
  private final long[][] freeBlocks = new long[SAMPLES + 1][];
  private final int interval;
  private int size;

  FragmentationSeries(int eventCount) {
    interval = Math.max(1, (eventCount + SAMPLES - 1) / SAMPLES);
  }

  /// Returns how many events lie between two samples.
  int interval() {
    return interval;
  }

  void add(int eventCount, long[] freeBlocksByOrder) {
    eventCounts[size] = eventCount;
    freeBlocks[size] = freeBlocksByOrder;
    size++;
  }

  int size() {
    return size;
  }

  /// Returns how many events had been replayed at this sample.
  int eventCount(int sample) {
    return eventCounts[sample];
  }

  /// Returns the sample nearest before this share, 0..1, of the replay.
  int sampleAt(double share) {
    return Math.min(size - 1, (int) (share * size));
  }

  double unusableFreeIndex(int sample, int order) {
    return Fragmentation.unusableFreeIndex(freeBlocks[sample], order);
  }

  /// Returns the mean index from this share of the replay on, each sample counting the same.
  double mean(int order, double fromShare) {
    double sum = 0;
    int first = sampleAt(fromShare);
    for (int sample = first; sample < size; sample++) {
      sum += unusableFreeIndex(sample, order);
    }
    return sum / (size - first);
  }

  /// Returns the pages in free blocks of the orders `first`..`last`.
  long freePages(int sample, int first, int last) {
    long[] counts = freeBlocks[sample];
    long pages = 0;
    for (int order = first; order <= Math.min(last, counts.length - 1); order++) {
      pages += counts[order] << order;
    }
    return pages;
  }
}
