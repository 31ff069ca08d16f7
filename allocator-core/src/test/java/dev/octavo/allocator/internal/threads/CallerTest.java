package dev.octavo.allocator.internal.threads;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.internal.cache.PagePool;
import dev.octavo.allocator.oom.MemoryAccount;
import java.lang.StackWalker.StackFrame;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallerTest {

  /// A frame of a stack that never was.
  private record Frame(Class<?> getDeclaringClass, String getMethodName) implements StackFrame {
    @Override
    public String getClassName() {
      return getDeclaringClass.getName();
    }

    @Override
    public int getByteCodeIndex() {
      return 0;
    }

    @Override
    public String getFileName() {
      return "none";
    }

    @Override
    public int getLineNumber() {
      return 1;
    }

    @Override
    public boolean isNativeMethod() {
      return false;
    }

    @Override
    public StackTraceElement toStackTraceElement() {
      return new StackTraceElement(getClassName(), getMethodName, getFileName(), 1);
    }
  }

  private static final Frame POOL = new Frame(PagePool.class, "take");
  private static final Frame ACCOUNT = new Frame(MemoryAccount.class, "charge");
  private static final Frame ALLOCATOR = new Frame(PageAllocator.class, "allocate");
  private static final Frame JDK = new Frame(Arena.class, "allocateFrom");
  private static final Frame TEST = new Frame(CallerTest.class, "mine");
  private static final Frame FAR = new Frame(List.class, "far");

  private static Caller caller(StackFrame... stack) {
    return Caller.of(List.of(stack).iterator());
  }

  /// Any class of the library, in any package, is the library's; a test in one of them is not.
  @Test
  void theLibraryIsKnownByItsPackages() {
    Caller found = caller(POOL, ACCOUNT, ALLOCATOR, JDK, TEST, ALLOCATOR, FAR);
    assertThat(found.called()).isSameAs(JDK);
    assertThat(found.caller()).isSameAs(TEST);
    assertThat(found.above()).toIterable().containsExactly(ALLOCATOR, FAR);
  }

  @Test
  void aStackOfNothingElseEndsTheSearch() {
    Caller found = caller(POOL, ALLOCATOR);
    assertThat(found.caller()).isSameAs(ALLOCATOR);
    assertThat(found.above().hasNext()).isFalse();
  }

  @Test
  void framesAreBounded() {
    StackTraceElement mine = TEST.toStackTraceElement();
    StackTraceElement far = FAR.toStackTraceElement();
    assertThat(caller(POOL, TEST, FAR).frames(1)).containsExactly(mine);
    assertThat(caller(POOL, TEST, FAR).frames(2)).containsExactly(mine, far);
    assertThat(caller(POOL, TEST, FAR).frames(3)).containsExactly(mine, far);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 1000})
  void theOwnStackIsWalked(int most) {
    List<StackTraceElement> frames = Caller.walk(caller -> new ArrayList<>(caller.frames(most)));
    assertThat(frames).isNotEmpty().hasSizeLessThanOrEqualTo(most);
    assertThat(frames.getFirst().getMethodName()).isEqualTo("theOwnStackIsWalked");
  }
}
