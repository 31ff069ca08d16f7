package dev.octavo.allocator.context;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The kinds of threads that are declared atomic: one immutable version of them.
final class ThreadKinds {

  /// No kind, in a JVM where scopes are used.
  static final ThreadKinds NONE = new ThreadKinds(List.of());

  /// Null until a scope is opened or a kind declared, never null after. A thread that reads null
  /// has opened none, as it would have written this itself. So [#declared] reads plainly, which
  /// lets a loop keep what else it has read; kinds that others declare are seen at the next atomic
  /// operation at the latest.
  private static final AtomicReference<@Nullable ThreadKinds> DECLARED = new AtomicReference<>();

  private static final Logger LOG = LoggerFactory.getLogger(ThreadKinds.class);

  private final List<Kind> kinds;

  private ThreadKinds(List<Kind> kinds) {
    this.kinds = kinds;
  }

  /// Returns the present version; null if neither scopes nor kinds were ever used.
  static @Nullable ThreadKinds declared() {
    return DECLARED.getPlain();
  }

  /// Notes that scopes are used.
  static void use() {
    if (DECLARED.get() == null) {
      DECLARED.compareAndSet(null, NONE);
    }
  }

  static AtomicContext.Registration declare(String label, Predicate<? super Thread> test) {
    Kind declared = new Kind(label, test);
    DECLARED.updateAndGet(
        before -> {
          List<Kind> more = new ArrayList<>(before == null ? List.of() : before.kinds);
          more.add(declared);
          return new ThreadKinds(List.copyOf(more));
        });
    return declared;
  }

  private static void end(Kind ended) {
    DECLARED.updateAndGet(
        before -> {
          if (before == null || !before.kinds.contains(ended)) {
            return before;
          }
          List<Kind> rest = before.kinds.stream().filter(kind -> kind != ended).toList();
          return rest.isEmpty() ? NONE : new ThreadKinds(rest);
        });
  }

  /// Returns the label of the first kind that a thread is of, or null.
  @Nullable String labelOf(Thread thread) {
    for (Kind kind : kinds) {
      if (kind.fits(thread)) {
        return kind.label;
      }
    }
    return null;
  }

  /// One declaration; equal to itself alone.
  private static final class Kind implements AtomicContext.Registration {
    private final String label;
    private final Predicate<? super Thread> test;
    private final AtomicBoolean hasFailed = new AtomicBoolean();

    Kind(String label, Predicate<? super Thread> test) {
      this.label = label;
      this.test = test;
    }

    boolean fits(Thread thread) {
      try {
        return test.test(thread);
      } catch (RuntimeException e) {
        if (!hasFailed.getAndSet(true)) {
          LOG.warn("kind of threads not judged: label={}, thread={}", label, thread.getName(), e);
        }
        return false;
      }
    }

    @Override
    public void close() {
      end(this);
    }
  }
}
