import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.CallQueueTooBigException;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellScanner;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.DoNotRetryIOException;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.KeyValue;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.ipc.HBaseRpcController;
import org.apache.hadoop.hbase.ipc.HBaseRpcControllerImpl;
import org.apache.hadoop.hbase.ipc.RemoteWithExtrasException;
import org.apache.hadoop.hbase.ipc.RpcClient;
import org.apache.hadoop.hbase.ipc.RpcClientFactory;
import org.apache.hadoop.hbase.exceptions.RegionMovedException;
import org.apache.hadoop.hbase.security.User;
import org.apache.hadoop.hbase.security.UserProvider;
import org.apache.hadoop.hbase.security.provider.SaslClientAuthenticationProviders;
import org.apache.hadoop.hbase.security.token.AuthenticationTokenIdentifier;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClientProtos.ClientService;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClientProtos.CoprocessorServiceCall;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClientProtos.CoprocessorServiceRequest;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClientProtos.CoprocessorServiceResponse;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClientProtos.Get;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClientProtos.GetRequest;
import org.apache.hadoop.hbase.shaded.protobuf.generated.HBaseProtos.RegionSpecifier;
import org.apache.hadoop.hbase.shaded.protobuf.generated.MasterProtos.HbckService;
import org.apache.hadoop.hbase.shaded.protobuf.generated.MasterProtos.RunHbckChoreRequest;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.security.UserGroupInformation;
import org.apache.hadoop.security.token.Token;
import org.apache.hbase.thirdparty.com.google.protobuf.ByteString;
import org.apache.hbase.thirdparty.com.google.protobuf.ServiceException;
import org.apache.hbase.thirdparty.com.google.protobuf.UnsafeByteOperations;

/**
 * HBase's own RPC clients against a server that does what the name of a coprocessor service says. Prints a line for
 * each check. Arguments: class of the client, port, class of the codec or "none"; exception classes come on standard
 * input, each with its flag.
 */
public final class RpcCheck {
  private interface Check {
    void run() throws Exception;
  }

  private static final int TIMEOUT_MS = 60_000;

  private final Configuration conf;
  private final ServerName server;
  private final boolean cells;

  private RpcCheck(String[] args) {
    conf = HBaseConfiguration.create();
    conf.set("hbase.rpc.client.impl", args[0]);
    server = ServerName.valueOf("127.0.0.1", Integer.parseInt(args[1]), 1);
    cells = !args[2].equals("none");
    conf.set("hbase.client.rpc.codec", cells ? args[2] : "");
    conf.set("hbase.client.default.rpc.codec", cells ? args[2] : "");
  }

  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    List<String> exceptions = new ArrayList<>();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      exceptions.add(line);
    }
    new RpcCheck(args).all(exceptions);
    System.out.println("done");
    System.out.flush();
    System.exit(0);
  }

  private void all(List<String> exceptions) throws Exception {
    try (RpcClient client = client(conf)) {
      ClientService.BlockingInterface stub = stub(client, TIMEOUT_MS);
      check("echo", () -> echo(stub, 10));
      check("empty", () -> echo(stub, 0));
      check("large", () -> echo(stub, 5_000_000));
      check("larger answer", () -> expect(20_000_000, exec(stub, null, "big", "20000000", new byte[0]).length));
      check("user and release", () -> who(stub));
      check("cells", () -> cells(stub));
      for (String line : exceptions) {
        String[] parts = line.split(" ");
        check("throw " + parts[0], () -> exception(stub, parts[0], Boolean.parseBoolean(parts[1])));
      }
      check("overloaded", () -> expect(true,
        remote(() -> exec(stub, null, "throw", CallQueueTooBigException.class.getName(), new byte[0]))
          .isServerOverloaded()));
      check("moved", () -> moved(stub));
      check("panic", () -> {
        IOException error = failure(() -> exec(stub, null, "panic", "oh no", new byte[0]));
        expect(IOException.class, error.getClass());
        contains(error, "panicked: oh no");
      });
      check("method", () -> {
        GetRequest get = GetRequest.newBuilder().setRegion(region())
          .setGet(Get.newBuilder().setRow(ByteString.copyFromUtf8("r"))).build();
        IOException error = failure(() -> stub.get(null, get));
        expect(DoNotRetryIOException.class, error.getClass());
        contains(error, "java.lang.UnsupportedOperationException: Get");
      });
      check("concurrent", () -> concurrent(stub));
      check("time", () -> {
        IOException error = failure(() -> exec(stub(client, 500), null, "wait", "for ever", new byte[0]));
        contains(error, "CallTimeoutException");
        echo(stub, 10);
      });
      check("too large", () -> {
        IOException error = failure(() -> echo(stub, 40_000_000));
        expect("RequestTooBigException", error.getClass().getSimpleName());
        afterwards(stub);
      });
      check("service", () -> {
        HbckService.BlockingInterface hbck =
          HbckService.newBlockingStub(client.createBlockingRpcChannel(server, User.getCurrent(), TIMEOUT_MS));
        RemoteWithExtrasException remote =
          remote(() -> hbck.runHbckChore(null, RunHbckChoreRequest.getDefaultInstance()));
        expect("org.apache.hadoop.hbase.ipc.UnknownServiceException", remote.getClassName());
        expect("HbckService", remote.getMessage());
      });
    }
    fallback();
    refused("codec", "UnsupportedCellCodecException", "org.apache.hadoop.hbase.codec.CellCodec", "");
    refused("compressor", "UnsupportedCompressionCodecException",
      "org.apache.hadoop.hbase.codec.KeyValueCodec", "org.apache.hadoop.io.compress.GzipCodec");
  }

  /** A client of secure clusters that may do without goes on; with a token it doesn't say who it is. */
  private void fallback() throws Exception {
    Configuration secure = new Configuration(conf);
    secure.set("hbase.security.authentication", "kerberos");
    secure.setBoolean("hbase.ipc.client.fallback-to-simple-auth-allowed", true);
    SaslClientAuthenticationProviders.reset(); // it has kept the first configuration of this process
    AuthenticationTokenIdentifier identifier = new AuthenticationTokenIdentifier("joe");
    UserGroupInformation joe = UserGroupInformation.createRemoteUser("joe");
    joe.addToken(new Token<>(identifier.getBytes(), new byte[] { 1 }, identifier.getKind(), new Text("the-cluster")));
    try (RpcClient client = client(secure)) {
      check("fallback", () -> {
        ClientService.BlockingInterface stub = ClientService.newBlockingStub(
          client.createBlockingRpcChannel(server, UserProvider.instantiate(secure).create(joe), TIMEOUT_MS));
        expect("", Bytes.toString(exec(stub, null, "who", "", new byte[0])).split(" ")[0]);
        echo(stub, 10);
      });
    }
  }

  private void refused(String name, String expected, String codec, String compressor) throws Exception {
    Configuration other = new Configuration(conf);
    other.set("hbase.client.rpc.codec", codec);
    other.set("hbase.client.rpc.compressor", compressor);
    try (RpcClient client = client(other)) {
      check(name, () -> {
        IOException error = failure(() -> echo(stub(client, TIMEOUT_MS), 10));
        expect(expected, error.getClass().getSimpleName());
      });
    }
  }

  private static void check(String name, Check check) {
    try {
      check.run();
      System.out.println("ok " + name);
    } catch (Throwable error) {
      System.out.println("FAIL " + name + ": " + error.toString().replace('\n', ' '));
      error.printStackTrace();
    }
  }

  private RpcClient client(Configuration conf) {
    return RpcClientFactory.createClient(conf, "the-cluster");
  }

  private ClientService.BlockingInterface stub(RpcClient client, int timeout) throws IOException {
    return ClientService.newBlockingStub(client.createBlockingRpcChannel(server, User.getCurrent(), timeout));
  }

  private static RegionSpecifier region() {
    return RegionSpecifier.newBuilder().setType(RegionSpecifier.RegionSpecifierType.REGION_NAME)
      .setValue(ByteString.copyFromUtf8("region")).build();
  }

  private static byte[] exec(ClientService.BlockingInterface stub, HBaseRpcController controller, String verb,
    String method, byte[] bytes) throws ServiceException {
    CoprocessorServiceCall call = CoprocessorServiceCall.newBuilder().setRow(ByteString.copyFromUtf8("row"))
      .setServiceName(verb).setMethodName(method).setRequest(UnsafeByteOperations.unsafeWrap(bytes)).build();
    CoprocessorServiceResponse response = stub.execService(controller,
      CoprocessorServiceRequest.newBuilder().setRegion(region()).setCall(call).build());
    return response.getValue().getValue().toByteArray();
  }

  private static void echo(ClientService.BlockingInterface stub, int length) throws ServiceException {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) length);
    if (!Arrays.equals(bytes, exec(stub, null, "echo", "m", bytes))) {
      throw new AssertionError("other bytes came back");
    }
  }

  private static void who(ClientService.BlockingInterface stub) throws Exception {
    String who = Bytes.toString(exec(stub, null, "who", "", new byte[0]));
    String version = org.apache.hadoop.hbase.util.VersionInfo.getVersion();
    expect(User.getCurrent().getShortName() + " " + version + " ClientService.ExecService", who);
  }

  private void cells(ClientService.BlockingInterface stub) throws Exception {
    List<Cell> sent = new ArrayList<>();
    for (int i = 0; cells && i < 1000; i++) {
      sent.add(new KeyValue(Bytes.toBytes("row" + i), Bytes.toBytes("f"), Bytes.toBytes("q"), i, new byte[i]));
    }
    HBaseRpcController controller =
      cells ? new HBaseRpcControllerImpl(CellUtil.createCellScanner(sent)) : new HBaseRpcControllerImpl();
    exec(stub, controller, "echo", "m", new byte[3]);
    CellScanner scanner = controller.cellScanner();
    int count = 0;
    while (scanner != null && scanner.advance()) {
      Cell cell = scanner.current();
      Cell expected = sent.get(count++);
      if (!CellUtil.equals(cell, expected) || !CellUtil.matchingValue(cell, expected)) {
        throw new AssertionError(cell + " in place of " + expected);
      }
    }
    expect(sent.size(), count);
  }

  private static void exception(ClientService.BlockingInterface stub, String name, boolean doNotRetry)
    throws Exception {
    Class<?> known = Class.forName(name);
    expect(DoNotRetryIOException.class.isAssignableFrom(known), doNotRetry);
    // What isn't an IOException reaches clients inside of one.
    boolean io = IOException.class.isAssignableFrom(known);
    String expected = io ? name : IOException.class.getName();
    RemoteWithExtrasException remote =
      remote(() -> exec(stub, null, "throw", name, Bytes.toBytes("what is wrong")));
    expect(expected, remote.getClassName());
    expect(io && doNotRetry, remote.isDoNotRetry());
    if (!remote.getMessage().startsWith(expected + ": what is wrong")) {
      throw new AssertionError(remote.getMessage());
    }
    // Not every class can be made of a text; what a Java server sends then comes out as something else, too.
    IOException java = new RemoteWithExtrasException(expected, expected + ": m", doNotRetry).unwrapRemoteException();
    IOException error = remote.unwrapRemoteException();
    expect(java.getClass(), error.getClass());
  }

  private static void moved(ClientService.BlockingInterface stub) throws Exception {
    String text = new RegionMovedException(ServerName.valueOf("rs2.example", 16020, 17), 5).getMessage();
    RemoteWithExtrasException remote =
      remote(() -> exec(stub, null, "throw", RegionMovedException.class.getName(), Bytes.toBytes(text)));
    expect("rs2.example", remote.getHostname());
    expect(16020, remote.getPort());
    RegionMovedException moved = (RegionMovedException) remote.unwrapRemoteException();
    expect("rs2.example,16020,17", moved.getServerName().toString());
    expect(5L, moved.getLocationSeqNum());
  }

  private static void concurrent(ClientService.BlockingInterface stub) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(16);
    List<Future<Void>> futures = new ArrayList<>();
    for (int t = 0; t < 16; t++) {
      int thread = t;
      futures.add(threads.submit((Callable<Void>) () -> {
        for (int i = 0; i < 200; i++) {
          echo(stub, (thread * 200 + i) * 7 % 5000);
        }
        return null;
      }));
    }
    for (Future<Void> future : futures) {
      future.get();
    }
    threads.shutdown();
  }

  /** The server closes the connection; a call may still meet that before a new one is opened. */
  private static void afterwards(ClientService.BlockingInterface stub) throws Exception {
    for (int i = 0; i < 100; i++) {
      try {
        echo(stub, 10);
        return;
      } catch (ServiceException error) {
        Thread.sleep(50);
      }
    }
    throw new AssertionError("no more calls go through");
  }

  private static RemoteWithExtrasException remote(Check call) throws Exception {
    try {
      call.run();
    } catch (ServiceException error) {
      return (RemoteWithExtrasException) error.getCause();
    }
    throw new AssertionError("no exception");
  }

  /** What a caller of HBase gets to see. */
  private static IOException failure(Check call) throws Exception {
    try {
      call.run();
    } catch (ServiceException error) {
      Throwable cause = error.getCause();
      return cause instanceof RemoteWithExtrasException
        ? ((RemoteWithExtrasException) cause).unwrapRemoteException()
        : (IOException) cause;
    }
    throw new AssertionError("no exception");
  }

  private static void contains(Throwable error, String text) {
    if (!error.toString().contains(text)) {
      throw new AssertionError(error + " doesn't say " + text);
    }
  }

  private static void expect(Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new AssertionError(actual + " in place of " + expected);
    }
  }
}
