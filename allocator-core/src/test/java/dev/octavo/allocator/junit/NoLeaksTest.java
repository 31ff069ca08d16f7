package dev.octavo.allocator.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.octavo.allocator.CorruptedMemoryException;
import dev.octavo.allocator.LiveAllocationsException;
import dev.octavo.allocator.PageAllocator;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.EngineFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/// Runs classes whose tests fail, and looks at how they fail.
class NoLeaksTest {

  /// Runs a class in a launcher of its own, of which no report is written.
  private static Map<String, TestExecutionResult> run(Class<?> type) {
    Map<String, TestExecutionResult> results = new HashMap<>();
    LauncherConfig config =
        LauncherConfig.builder()
            .enableTestExecutionListenerAutoRegistration(false)
            .enableLauncherSessionListenerAutoRegistration(false)
            .build();
    LauncherFactory.create(config)
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClass(type))
                .filters(EngineFilter.includeEngines("junit-jupiter"))
                .build(),
            new TestExecutionListener() {
              @Override
              public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                results.put(test.getDisplayName(), result);
              }
            });
    return results;
  }

  private static TestExecutionResult result(Map<String, TestExecutionResult> results, String test) {
    return Objects.requireNonNull(results.get(test), test);
  }

  private static void assertPassed(Map<String, TestExecutionResult> results, String test) {
    assertThat(result(results, test).getStatus()).isEqualTo(TestExecutionResult.Status.SUCCESSFUL);
  }

  private static <T extends Throwable> T failure(
      Map<String, TestExecutionResult> results, String test, Class<T> type) {
    return type.cast(result(results, test).getThrowable().orElseThrow());
  }

  @Test
  void testsFailForWhatTheyLeaveBehind() {
    Map<String, TestExecutionResult> results = run(Fixture.class);
    assertPassed(results, "clean(PageAllocator)");
    assertPassed(results, "withoutAllocator()");
    LiveAllocationsException leak =
        failure(results, "leaks(PageAllocator)", LiveAllocationsException.class);
    assertThat(leak.sites()).hasSize(1);
    assertThat(leak)
        .hasMessageContaining("name=leaks(PageAllocator), count=1")
        .hasMessageContaining(Fixture.class.getName() + ".leaks(");
    CorruptedMemoryException used =
        failure(results, "usesAfterFree(PageAllocator)", CorruptedMemoryException.class);
    assertThat(used.reason()).isEqualTo(CorruptedMemoryException.Reason.USE_AFTER_FREE);
    assertThat(used.freeSite().getFirst().getMethodName()).isEqualTo("usesAfterFree");
    IllegalStateException own =
        failure(results, "fails(PageAllocator)", IllegalStateException.class);
    assertThat(own).hasMessage("own failure");
    assertThat(own.getSuppressed()).hasExactlyElementsOfTypes(LiveAllocationsException.class);
    assertThat(Fixture.OPENED).doesNotHaveDuplicates().hasSize(4);
  }

  @Test
  void allocatorsOfATestsOwnAreWatched() {
    Map<String, TestExecutionResult> results = run(WatchingFixture.class);
    LiveAllocationsException leak = failure(results, "leaks()", LiveAllocationsException.class);
    assertThat(leak).hasMessageContaining("name=mine, count=1");
    assertPassed(results, "later()");
  }

  /// No test of the build.
  @ExtendWith(NoLeaks.class)
  static class Fixture {

    static final List<PageAllocator> OPENED = new ArrayList<>();

    private @Nullable MemorySegment kept;

    /// What is freed here is no leak.
    @AfterEach
    void frees() {
      if (kept != null) {
        OPENED.getLast().free(kept);
      }
    }

    @Test
    void clean(PageAllocator allocator) {
      OPENED.add(allocator);
      kept = allocator.allocate(100);
    }

    @Test
    void withoutAllocator() {}

    @Test
    void leaks(PageAllocator allocator) {
      OPENED.add(allocator);
      allocator.allocate(100).fill((byte) 1);
    }

    @Test
    void usesAfterFree(PageAllocator allocator) {
      OPENED.add(allocator);
      MemorySegment stale = allocator.allocate(100);
      allocator.free(stale);
      stale.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    }

    @Test
    void fails(PageAllocator allocator) {
      OPENED.add(allocator);
      allocator.allocate(100).fill((byte) 1);
      throw new IllegalStateException("own failure");
    }
  }

  /// No test of the build.
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  static class WatchingFixture {

    @RegisterExtension static final NoLeaks NO_LEAKS = new NoLeaks(1 << 20);

    private static final PageAllocator MINE =
        PageAllocator.builder().capacity(1 << 20).name("mine").build();

    private static long page;

    @BeforeAll
    static void watches() {
      NO_LEAKS.watch(MINE);
    }

    @AfterAll
    static void closes() {
      MINE.freePageRun(page, 1);
      MINE.close();
    }

    @Test
    @Order(1)
    void clean() {
      MINE.freePageRun(MINE.allocatePageRun(1), 1);
    }

    @Test
    @Order(2)
    void leaks() {
      page = MINE.allocatePageRun(1);
    }

    @Test
    @Order(3)
    void later() {}
  }
}
