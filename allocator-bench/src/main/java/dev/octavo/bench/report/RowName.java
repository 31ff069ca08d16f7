package dev.octavo.bench.report;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// What a row of a run is called; two runs are compared row by row, by this name.
///
/// @param benchmark simple class name and method: `PairPeersBenchmark.octavoRun`
/// @param params the values of its parameters, by name
/// @param threads how many threads ran it, 1 or more
record RowName(String benchmark, SortedMap<String, String> params, int threads)
    implements Comparable<RowName> {

  private static final int KIBI = 1024;
  private static final List<String> SUFFIXES = List.of("", "k", "m", "g", "t");
  private static final Pattern SIZE = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)([kmgtKMGT]?)");

  private static final Comparator<RowName> ORDER =
      Comparator.comparing(RowName::benchmark)
          .thenComparingInt(RowName::threads)
          .thenComparing(RowName::params, RowName::compareParams);

  static RowName of(String benchmark, Map<String, String> params, int threads) {
    return new RowName(benchmark, new TreeMap<>(params), threads);
  }

  /// Returns the simple name of the class.
  String className() {
    return benchmark.substring(0, benchmark.indexOf('.'));
  }

  /// Returns the name of the method.
  String method() {
    return benchmark.substring(benchmark.indexOf('.') + 1);
  }

  @Override
  public int compareTo(RowName other) {
    return ORDER.compare(this, other);
  }

  @Override
  public String toString() {
    return benchmark + paramText() + ", " + threads + (threads == 1 ? " thread" : " threads");
  }

  private String paramText() {
    return params.entrySet().stream()
        .map(param -> " " + param.getKey() + "=" + param.getValue())
        .collect(Collectors.joining());
  }

  private static int compareParams(SortedMap<String, String> a, SortedMap<String, String> b) {
    int byNames = a.keySet().toString().compareTo(b.keySet().toString());
    if (byNames != 0) {
      return byNames;
    }
    for (Map.Entry<String, String> param : a.entrySet()) {
      int byValue = compareValues(param.getValue(), b.getOrDefault(param.getKey(), ""));
      if (byValue != 0) {
        return byValue;
      }
    }
    return 0;
  }

  /// Orders numbers and sizes by value: 4096 comes before 135168, 64m before 1g.
  private static int compareValues(String a, String b) {
    Matcher numberA = SIZE.matcher(a);
    Matcher numberB = SIZE.matcher(b);
    if (numberA.matches() && numberB.matches()) {
      return Double.compare(magnitude(numberA), magnitude(numberB));
    }
    return a.compareTo(b);
  }

  private static double magnitude(Matcher size) {
    return Double.parseDouble(size.group(1))
        * Math.pow(KIBI, SUFFIXES.indexOf(size.group(2).toLowerCase(Locale.ROOT)));
  }
}
