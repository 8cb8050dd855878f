/** The folder of the enclosure inside of it: the relay's socket, and what the services report. */
export const insideFolder = '/run/lockstep';

/**
 * Runs as the first program in network and mount namespaces of its own (`unshare`), and then becomes the
 * worker. There is only a loopback device; every file system is read-only, but for copies in memory of
 * the folders that services usually write to. What listens on a path below /run is not there, nor is
 * any other socket outside: overlays and namespaces cut them off.
 *
 * $1 the worker's folder, $2 the user's home; the rest is the worker's command.
 */
export const enclosureScript = `
set -e
folder=$1; home=$2; shift 2
mount -t tmpfs -o mode=0755 lockstep /run
mkdir ${insideFolder} /run/lockstep-writes
mount --bind . ${insideFolder}

mounts=$(cat /proc/self/mountinfo)
while read -r _ _ _ _ point options _; do
  case $point in /proc|/proc/*|/sys|/sys/*|/dev|/dev/*|/run|/run/*) continue ;; esac
  case ",$options," in *,ro,*) continue ;; esac
  rest=\${options#rw}
  mount -o "remount,bind,ro$rest" "$point" || { echo "$point cannot be made read-only" >&2; exit 97; }
done <<END
$mounts
END

number=0
covered=:
for place in /tmp /var/tmp "$home" "$folder"; do
  [ -d "$place" ] && [ "$place" != / ] || continue
  within=$place
  while [ "$within" != / ] && [ "$within" != . ]; do
    case $covered in *":$within:"*) continue 2 ;; esac
    within=$(dirname "$within")
  done
  number=$((number + 1))
  writes=/run/lockstep-writes/$number
  mkdir -p $writes/upper $writes/work
  if mount -t overlay -o "lowerdir=$place,upperdir=$writes/upper,workdir=$writes/work" lockstep "$place" 2>/dev/null
  then covered="$covered$place:"; fi
done
mount -t tmpfs lockstep /dev/shm 2>/dev/null || :

ip link set lo up 2>/dev/null ||
  perl -e 'socket(my $s, 2, 2, 0) or exit 1; ioctl($s, 0x8914, my $r = pack("a16 s x14", "lo", 0x41)) or exit 1' 2>/dev/null ||
  { echo "the loopback device cannot be started: neither ip (iproute2) nor perl does it" >&2; exit 97; }
# whatever address a service asks for is this machine, where nobody listens: it is refused at once
ip route add local 0.0.0.0/0 dev lo 2>/dev/null || :
printf 'nameserver 127.0.0.1\\noptions timeout:1 attempts:1\\n' > /run/lockstep-resolv.conf
mount --bind /run/lockstep-resolv.conf /etc/resolv.conf 2>/dev/null || :
cd "$folder"
exec "$@"
`;
