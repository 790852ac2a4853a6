#!/bin/sh
# vm_system.sh ROOTFS FOLDER PACKAGES: what virtual machines have over the system in ROOTFS.
#
# Runs in mount and pid namespaces of its own. Makes FOLDER/layer: the named packages, Debian's
# kernel and zfs's modules, which are compiled here for it; and FOLDER/scratch, to be removed.
set -eu
rootfs=$1 folder=$2 packages=$3
layer=$folder/layer scratch=$folder/scratch
mkdir -p "$layer"
mount --make-rprivate /

# over LOWER UPPER NAME: a system to change, at SCRATCH/NAME, with the host's way to the world.
over() {
    mkdir -p "$scratch/$3.work" "$scratch/$3"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$scratch/$3.work" "$scratch/$3"
    mount -t proc proc "$scratch/$3/proc"
    mount --rbind /dev "$scratch/$3/dev"
    for name in tmp run var/cache/apt var/lib/apt/lists var/log; do
        mount -t tmpfs lab "$scratch/$3/$name"
    done
    mkdir -p "$scratch/$3/var/cache/apt/archives/partial" "$scratch/$3/var/lib/apt/lists/partial"
    # Files that are the machine's own: what stands over them here is not in the layer.
    cp /etc/resolv.conf "$scratch/$3/run/resolv.conf"
    sed 's/ main$/ main contrib/' "$scratch/$3/etc/apt/sources.list" >"$scratch/$3/run/sources.list"
    echo 'hosts: files dns' >"$scratch/$3/run/nsswitch.conf"
    sed /^hosts:/d "$scratch/$3/etc/nsswitch.conf" >>"$scratch/$3/run/nsswitch.conf"
    for name in resolv.conf apt/sources.list nsswitch.conf; do
        mount --bind "$scratch/$3/run/${name##*/}" "$scratch/$3/etc/$name"
    done
}

# inside NAME: run the script on standard input in SCRATCH/NAME, where no service is to start.
inside() {
    printf '#!/bin/sh\nexit 101\n' >"$scratch/$1/usr/sbin/policy-rc.d"
    chmod +x "$scratch/$1/usr/sbin/policy-rc.d"
    chroot "$scratch/$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
        DEBIAN_FRONTEND=noninteractive packages="$packages" /bin/sh -eux
    rm "$scratch/$1/usr/sbin/policy-rc.d"
}

over "$rootfs" "$layer" system
inside system <<'END'
apt-get update
# shellcheck disable=SC2086 # each word is a package
apt-get install --yes --no-install-recommends $packages
# Unpacked, not installed: that would ask for a distribution's initrd.
kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p')
cd /tmp
apt-get download "$kernel"
dpkg-deb --fsys-tarfile "$kernel"_*.deb | tar -C / --keep-directory-symlink -xf -
cd /lib/modules/*/kernel
# Two thirds of the drivers are for hardware that no machine here has.
rm -rf sound drivers/gpu drivers/infiniband drivers/media drivers/staging drivers/usb
rm -rf drivers/iio drivers/net/ethernet drivers/net/wireless
END

mkdir "$scratch/compiled"
over "$layer:$rootfs" "$scratch/compiled" compiling
inside compiling <<'END'
apt-get update
version=$(ls /lib/modules)
apt-get install --yes --no-install-recommends "linux-headers-$version" zfs-dkms
dkms status zfs -k "$version" | grep installed
END

version=$(ls "$layer/usr/lib/modules")
updates=usr/lib/modules/$version/updates
mkdir -p "$scratch/system/$updates"
cp -r "$scratch/compiling/$updates/dkms" "$scratch/system/$updates/"
chroot "$scratch/system" /usr/sbin/depmod "$version"
