"""X.509 certificates by openssl(1), valid for two days: NAME.pem and NAME.key in a folder."""
from lib import run


def make_authority(directory, name, subject):
    """A CA, and the folder if it is the first."""
    directory.mkdir(exist_ok=True)
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem",
        "-subj", subject, "-days", "2")


def issue(directory, name, issuer, subject, extensions=""):
    """extensions: lines as openssl's x509v3_config(5) has them."""
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.csr", "-subj", subject)
    (directory / "extensions").write_text(extensions)
    run("openssl", "x509", "-req", "-in", directory / f"{name}.csr", "-CA", directory / f"{issuer}.pem", "-CAkey", directory / f"{issuer}.key",
        "-CAcreateserial", "-days", "2", "-extfile", directory / "extensions", "-out", directory / f"{name}.pem")


def make_certificates(directory):
    """Of left.example and right.example by ca; otherca issued none."""
    for ca in ("ca", "otherca"):
        make_authority(directory, ca, f"/O=Example/CN={ca}")
    for name in ("left", "right"):
        issue(directory, name, "ca", f"/O=Example/CN={name}", f"subjectAltName=DNS:{name}.example\n")
    return directory
