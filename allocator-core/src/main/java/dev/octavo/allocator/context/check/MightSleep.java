package dev.octavo.allocator.context.check;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/// Says that a method may sleep: wait for memory, for a lock, for another thread or for input.
///
/// A method is marked for what it *may* do, however seldom it does. On a type it stands for all
/// methods that the type declares, constructors aside. A method with a parameter of type
/// `AllocationMode` sleeps only in a mode that may.
///
/// [SleepCheck] fails if a method marked with [AtomicContext] reaches one so marked, and does not
/// look into it. It is in the class file, and has no effect at run time.
@Documented
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.METHOD, ElementType.CONSTRUCTOR, ElementType.TYPE})
public @interface MightSleep {}
