# shellcheck shell=bash
#
# A ZooKeeper server. Sourced by daemon.sh, which says what each function has to
# do.
#
# The Java library has the server; the packages zookeeper and zookeeperd would
# add scripts for the machine's own one, and a desktop's worth of Java.

zookeeper_jar=/usr/share/java/zookeeper.jar

zookeeper_packages() {
  [[ -e $zookeeper_jar ]] || echo libzookeeper-java
  command -v java >/dev/null || echo default-jre-headless
}

zookeeper_port_offset() { echo 1; }

# Sessions may be as short as half a second, for tests of their end.
zookeeper_create() {
  cat >"$1/zoo.cfg" <<CONF
tickTime=250
minSessionTimeout=500
maxSessionTimeout=60000
dataDir=$1/data
clientPort=$(node_var "$1" port)
clientPortAddress=127.0.0.1
maxClientCnxns=0
forceSync=no
preAllocSize=64
admin.enableServer=false
4lw.commands.whitelist=ruok,srvr,cons,wchs
CONF
}

zookeeper_command() {
  command=(
    env -i PATH="$PATH" LANG=C.UTF-8
    java -Djava.net.preferIPv4Stack=true -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData
    -Dzookeeper.forceSync=no -Dzookeeper.jmx.log4j.disable=true
    -Dorg.slf4j.simpleLogger.showDateTime=true
    -cp "$zookeeper_jar:/usr/share/java/slf4j-simple.jar"
    org.apache.zookeeper.server.quorum.QuorumPeerMain "$1/zoo.cfg"
  )
}

zookeeper_ready() {
  local port answer
  port=$(node_var "$1" port)
  process_listens "$1/node.pid" "$port" || return 1
  answer=$(
    exec 2>/dev/null
    exec 3<>"/dev/tcp/127.0.0.1/$port" && printf srvr >&3 && timeout 2 cat <&3
  ) || return 1
  # To "ruok" it says "imok" before it takes sessions.
  [[ $answer == *Mode:* ]]
}

zookeeper_url() { printf '127.0.0.1:%d\n' "$(node_var "$1" port)"; }
zookeeper_stop() { process_end "$1/node.pid" TERM 30; }
zookeeper_kill() { process_end "$1/node.pid" KILL 5; }
zookeeper_delete() { :; }
