package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;

import dev.octavo.allocator.PageAllocator;
import dev.octavo.allocator.internal.threads.Caller;
import java.lang.StackWalker.StackFrame;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Who is blamed.
class CallSiteTest {

  /// A frame of a stack that never was; its line is as long as the method's name.
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
      return getDeclaringClass.getSimpleName() + ".java";
    }

    @Override
    public int getLineNumber() {
      return getMethodName.length();
    }

    @Override
    public boolean isNativeMethod() {
      return false;
    }

    @Override
    public StackTraceElement toStackTraceElement() {
      throw new UnsupportedOperationException();
    }
  }

  private static final Frame REPORT = new Frame(SleepGuard.class, "report");
  private static final Frame ALLOCATE = new Frame(PageAllocator.class, "allocate");
  private static final Frame TEST = new Frame(CallSiteTest.class, "mine");
  private static final String MINE =
      "dev.octavo.allocator.context.CallSiteTest.mine(CallSiteTest.java:4)";

  private static CallSite site(StackFrame... innermostFirst) {
    return CallSite.of(Caller.of(List.of(innermostFirst).iterator()));
  }

  @Test
  void theInnermostFrameOutsideOfTheLibraryIsTheCaller() {
    Frame far = new Frame(List.class, "far");
    assertThat(site(REPORT, new Frame(PageAllocator.class, "slow"), ALLOCATE, TEST, far))
        .isEqualTo(new CallSite("PageAllocator.allocate", MINE));
    assertThat(site(REPORT, ALLOCATE, TEST, ALLOCATE, far))
        .isEqualTo(new CallSite("PageAllocator.allocate", MINE));
  }

  @Test
  void whatLiesBetweenTheLibraryAndItsCallerIsNotTheCaller() {
    assertThat(site(REPORT, ALLOCATE, new Frame(SegmentAllocator.class, "allocateFrom"), TEST))
        .isEqualTo(new CallSite("SegmentAllocator.allocateFrom", MINE));
  }

  @Test
  void aGuardedMethodOfTheUsersIsBlamedOnItsCaller() {
    Frame guarded = new Frame(String.class, "take");
    Frame mightSleep = new Frame(SleepGuard.class, "mightSleep");
    assertThat(site(REPORT, mightSleep, guarded, TEST))
        .isEqualTo(new CallSite("String.take", MINE));
    assertThat(site(REPORT, mightSleep, guarded, guarded, TEST))
        .as("overloads")
        .isEqualTo(new CallSite("String.take", MINE));
    assertThat(site(REPORT, mightSleep, TEST)).isEqualTo(new CallSite("CallSiteTest.mine", MINE));
  }

  @Test
  void aStackOfNothingElseEndsTheSearch() {
    assertThat(site(REPORT, ALLOCATE).caller())
        .isEqualTo("dev.octavo.allocator.PageAllocator.allocate(PageAllocator.java:8)");
  }
}
