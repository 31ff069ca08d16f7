package dev.octavo.bench.report;

import dev.octavo.bench.report.BuildPairs.Pair;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;

/// Jars, rows and forks that the tests of the comparison of builds share.
final class BuildFixtures {
  private BuildFixtures() {}

  /// Returns a row of that benchmark without parameters, of one thread.
  static BuildRow row(String benchmark) {
    return new BuildRow(
        "dev.octavo.bench." + benchmark, RowName.of(benchmark, Map.of(), 1), "avgt", true);
  }

  /// Returns pairs in which `before` takes 100 ns and `after` so many times as long.
  static BuildPairs pairs(double... ratios) {
    BuildPairs pairs = BuildPairs.NONE;
    for (double ratio : ratios) {
      pairs = pairs.with(new Pair(true, 100, 100 * ratio));
    }
    return pairs;
  }

  /// Writes a jar that lists those benchmarks of this module whose full name ends so, and that runs
  /// with the class path of the test.
  static Path jar(Path path, String... benchmarks) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.put(Attributes.Name.MAIN_CLASS, "dev.octavo.bench.Main");
    main.put(Attributes.Name.CLASS_PATH, classPath());
    List<BenchmarkListEntry> entries = new ArrayList<>();
    for (BenchmarkListEntry entry : QuickSet.benchmarks()) {
      if (List.of(benchmarks).stream().anyMatch(entry.getUsername()::endsWith)) {
        entries.add(entry);
      }
    }
    try (OutputStream file = Files.newOutputStream(path);
        JarOutputStream jar = new JarOutputStream(file, manifest)) {
      jar.putNextEntry(new JarEntry(BenchmarkList.BENCHMARK_LIST.substring(1)));
      BenchmarkList.writeBenchmarkList(jar, entries);
    }
    return path;
  }

  private static String classPath() {
    StringBuilder urls = new StringBuilder();
    for (String element : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      urls.append(Path.of(element).toUri()).append(' ');
    }
    return urls.toString();
  }

  /// Writes a file that is no jar.
  static Path text(Path path) throws IOException {
    return Files.write(path, "text".getBytes(StandardCharsets.UTF_8));
  }
}
