package dev.octavo.allocator.context.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which calls of a method are within a section that it enters. The token is a stand-in, compiled
/// apart.
class SectionsTest {

  private static final String TOKEN =
      """
      package dev.octavo.allocator.context;
      public final class AtomicContext implements AutoCloseable {
        public static AtomicContext enter(String label) { return new AtomicContext(); }
        public static AtomicContext allow(String reason) { return new AtomicContext(); }
        public void close() {}
      }
      """;

  private static final String USER =
      """
      package com.example;
      import dev.octavo.allocator.context.AtomicContext;
      import dev.octavo.allocator.context.check.MightSleep;
      class User {
        @MightSleep static void sleep() {}
        static void calm() {}

        void foundInside() {
          try (var section = AtomicContext.enter("a")) { sleep(); }
        }
        void foundFartherIn(boolean b) {
          calm();
          try (var section = AtomicContext.enter("a")) { if (b) { return; } calm(); deeper(); }
        }
        void foundInSecond() {
          try (var section = AtomicContext.enter("a")) { calm(); }
          try (var section = AtomicContext.enter("b")) { sleep(); }
        }
        void foundInNested() {
          try (var outer = AtomicContext.enter("a")) {
            try (var inner = AtomicContext.enter("b")) { calm(); }
            sleep();
          }
        }
        void foundBehindAllowed() {
          try (var outer = AtomicContext.enter("a")) {
            try (var inner = AtomicContext.allow("b")) { sleep(); }
            sleep();
          }
        }
        void foundWithoutVariable() { AtomicContext.enter("a"); sleep(); }
        void foundWithFinally() {
          AtomicContext section = AtomicContext.enter("a");
          try { sleep(); } finally { section.close(); }
        }
        void foundInLambda() {
          Runnable task = () -> { try (var section = AtomicContext.enter("a")) { sleep(); } };
        }

        void calmAround() {
          sleep();
          try (var section = AtomicContext.enter("a")) { calm(); }
          sleep();
        }
        void calmBetween() {
          try (var section = AtomicContext.enter("a")) { calm(); }
          sleep();
          try (var section = AtomicContext.enter("b")) { calm(); }
        }
        void calmInCatch() {
          try (var section = AtomicContext.enter("a")) { calm(); }
          catch (IllegalStateException e) { sleep(); }
          finally { sleep(); }
        }
        void calmIfAllowed() {
          try (var outer = AtomicContext.enter("a")) {
            try (var inner = AtomicContext.allow("b")) { sleep(); }
          }
        }
        void calmIfAllowedFartherIn() {
          try (var section = AtomicContext.enter("a")) { allowed(); }
        }
        void allowed() {
          try (var section = AtomicContext.allow("b")) { deeper(); }
        }
        void deeper() { sleep(); }
      }
      """;

  @TempDir static Path folder;

  private static final Set<String> FOUND = new TreeSet<>();

  @BeforeAll
  static void check() throws Exception {
    Path classes = Sources.compile(folder, "AtomicContext.java", TOKEN, "User.java", USER);
    SleepCheck.ofPaths(classes)
        .violations()
        .forEach(it -> FOUND.add(it.atomicMethod().replaceAll(".*\\.|\\(.*", "")));
  }

  @Test
  void callsInsideOfASectionAreAtomicAndOthersAreNot() {
    assertThat(FOUND)
        .containsExactlyInAnyOrder(
            "foundBehindAllowed",
            "foundFartherIn",
            "foundInNested",
            "foundInSecond",
            "foundInside",
            "foundWithFinally",
            "foundWithoutVariable",
            "lambda$foundInLambda$0");
  }
}
