import java.io.IOException;
import org.apache.hadoop.hbase.DoNotRetryIOException;

/** Prints for each class name among the arguments what HBase's RPC makes of it, or that there is no such class. */
public final class ExceptionClasses {
  public static void main(String[] names) {
    for (String name : names) {
      System.out.println(name + " " + describe(name));
    }
  }

  private static String describe(String name) {
    Class<?> type;
    try {
      type = Class.forName(name);
    } catch (ClassNotFoundException absent) {
      return "absent";
    }
    if (!Throwable.class.isAssignableFrom(type)) {
      return "no exception";
    }
    boolean isIo = IOException.class.isAssignableFrom(type);
    return "io=" + isIo + " doNotRetry=" + DoNotRetryIOException.class.isAssignableFrom(type);
  }
}
