package dev.octavo.allocator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// What is said in two places is the same, and what documents name is there.
class DocsTest {

  private static final Path ROOT = Path.of("..");
  private static final Path TREE =
      Path.of("src/main/java/dev/octavo/allocator/internal/buddy/BuddyTree.java");
  private static final Path OWNER =
      Path.of("src/main/java/dev/octavo/allocator/internal/cache/Owner.java");
  private static final Pattern LINK = Pattern.compile("]\\(([^)#:]+)\\)");
  private static final Pattern TEST_NAME =
      Pattern.compile("`(?:[a-z]+\\.)?([A-Z]\\w+(?:Test|Properties))(?:\\.(\\w+))?");

  @Test
  void theTreesPlacementRuleIsTheSameInCodeAndDocs() throws IOException {
    assertQuoted(TREE, "If the page where");
  }

  @Test
  void theOwnersPlacementRuleIsTheSameInCodeAndDocs() throws IOException {
    assertQuoted(OWNER, "An owner holds at most one");
  }

  private static void assertQuoted(Path source, String start) throws IOException {
    String rule =
        paragraph(Files.readString(source), "/// " + start, "///").replaceAll("(?m)^/// ", "");
    String placement = Files.readString(ROOT.resolve("docs/placement.md"));
    String quoted = paragraph(placement, "> " + start, "").replaceAll("(?m)^> ", "");
    assertThat(quoted.split("\\s+")).containsExactly(rule.split("\\s+"));
  }

  /// The lines from the one that starts so, up to the first that is `end`.
  private static String paragraph(String text, String start, String end) {
    return text.substring(text.indexOf(start))
        .lines()
        .takeWhile(line -> !line.equals(end))
        .collect(Collectors.joining("\n"));
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    for (Path document : documents()) {
      Matcher link = LINK.matcher(Files.readString(document));
      while (link.find()) {
        assertThat(document.resolveSibling(link.group(1)))
            .as("link in %s", document)
            .satisfiesAnyOf(
                path -> assertThat(path).exists(),
                path -> assertThat(link.group(1)).contains("//"));
      }
    }
  }

  @Test
  void namedTestsExist() throws IOException {
    Set<String> missing = new TreeSet<>();
    String sources = testSources();
    for (Path document : documents()) {
      Matcher name = TEST_NAME.matcher(Files.readString(document));
      while (name.find()) {
        boolean exists =
            sources.contains("class " + name.group(1) + " ")
                && (name.group(2) == null || sources.contains("void " + name.group(2)));
        if (!exists) {
          missing.add(document.getFileName() + ": " + name.group());
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  private static List<Path> documents() throws IOException {
    try (Stream<Path> docs = Files.walk(ROOT.resolve("docs"))) {
      return Stream.concat(
              docs.filter(path -> path.toString().endsWith(".md")),
              Stream.of(ROOT.resolve("README.md"), ROOT.resolve("CHANGELOG.md")))
          .toList();
    }
  }

  private static String testSources() throws IOException {
    StringBuilder sources = new StringBuilder();
    for (String module : List.of("allocator-core", "allocator-bench", "allocator-examples")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/test"))) {
        for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
          sources.append(Files.readString(file));
        }
      }
    }
    return sources.toString();
  }
}
