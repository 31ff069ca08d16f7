package dev.octavo.allocator.junit;

import dev.octavo.allocator.CheckLevel;
import dev.octavo.allocator.MemoryRegion;
import dev.octavo.allocator.PageAllocator;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/// Fails a test that leaves allocations live, or that wrote to memory after freeing it.
///
/// Gives each test, and its `@BeforeEach` and `@AfterEach` methods, one fresh allocator of the
/// grade [CheckLevel#FULL] for a parameter of type [PageAllocator]:
///
/// ```java
/// @ExtendWith(NoLeaks.class)
/// class CacheTest {
///   @Test
///   void evicts(PageAllocator pages) {
///     ...
///   }
/// }
/// ```
///
/// After the test and its `@AfterEach` methods the allocator is asked [PageAllocator#assertNoLeaks]
/// and closed; its memory goes back whatever it says. An allocator that a test makes itself is
/// looked at if it is given to [#watch], and then closed by the test's class, or by nobody.
///
/// Safe for tests that run in parallel, but all allocators that are watched are looked at after
/// each of them.
public final class NoLeaks implements ParameterResolver, AfterEachCallback {

  /// The capacity of a fresh allocator in bytes, if nothing else is said.
  public static final long DEFAULT_CAPACITY = 16L << 20;

  private static final Namespace NAMESPACE = Namespace.create(NoLeaks.class);

  private final long capacity;
  private final Set<PageAllocator> watched =
      Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));

  /// With fresh allocators of [#DEFAULT_CAPACITY].
  public NoLeaks() {
    this(DEFAULT_CAPACITY);
  }

  /// For `@RegisterExtension`.
  ///
  /// @param capacity of each fresh allocator in bytes, a multiple of 4096
  public NoLeaks(long capacity) {
    this.capacity = capacity;
  }

  /// Looks at an allocator after each test from now on, until it says that it has leaks: then it is
  /// watched no more, as it would fail all tests that follow.
  ///
  /// @param allocator of any grade; it may be closed meanwhile
  /// @return the same
  public PageAllocator watch(PageAllocator allocator) {
    watched.add(allocator);
    return allocator;
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
    return parameter.getParameter().getType() == PageAllocator.class
        && test.getTestMethod().isPresent();
  }

  @Override
  public PageAllocator resolveParameter(ParameterContext parameter, ExtensionContext test) {
    return test.getStore(NAMESPACE)
        .getOrComputeIfAbsent(Fresh.class, key -> open(test.getDisplayName()), Fresh.class)
        .allocator();
  }

  private Fresh open(String name) {
    Arena arena = Arena.ofShared();
    MemoryRegion region =
        MemoryRegion.of(arena.allocate(capacity, PageAllocator.DEFAULT_PAGE_SIZE));
    return new Fresh(
        arena, PageAllocator.builder().region(region).checks(CheckLevel.FULL).name(name).build());
  }

  @Override
  public void afterEach(ExtensionContext test) {
    Failures failures = new Failures();
    Fresh fresh = test.getStore(NAMESPACE).remove(Fresh.class, Fresh.class);
    if (fresh != null) {
      failures.collect(fresh::close);
    }
    for (PageAllocator allocator : Set.copyOf(watched)) {
      if (!failures.collect(allocator::assertNoLeaks)) {
        watched.remove(allocator);
      }
    }
    failures.throwFirst();
  }

  private record Fresh(Arena arena, PageAllocator allocator) {

    void close() {
      try {
        allocator.assertNoLeaks();
        allocator.close();
      } finally {
        arena.close();
      }
    }
  }

  /// Lets all checks run before the first failure is thrown.
  private static final class Failures {

    private @Nullable RuntimeException first;

    boolean collect(Runnable check) {
      try {
        check.run();
        return true;
      } catch (RuntimeException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
        return false;
      }
    }

    void throwFirst() {
      if (first != null) {
        throw first;
      }
    }
  }
}
