"""Two hosts, their policies and their racoons as in the NetBSD IPsec FAQ."""
from networks import LEFT, RIGHT, transport, two_hosts
from racoon import KEY, Racoon

CONF = """{top}
padding {{ maximum_length 20; randomize off; strict_check off; exclusive_tail off; }}
timer {{ counter 5; interval 20 sec; persend 1; phase1 30 sec; phase2 15 sec; }}
remote anonymous
{{
    exchange_mode {exchange};
    doi ipsec_doi;
    situation identity_only;
    nonce_size 16;
    lifetime time 30 min;
    initial_contact on;
    proposal_check obey; {more}
    proposal {{
        encryption_algorithm 3des;
        hash_algorithm sha1;
        authentication_method {method};
        dh_group {group};
    }}
}}
sainfo anonymous
{{
    pfs_group modp1024;
    lifetime time 30 min;
    encryption_algorithm {cipher};
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}}
"""


class FaqRacoon(Racoon):
    def __init__(self, node, peer, key=KEY, mode=0o600, group="modp1024", cipher="aes", more="", top="", method="pre_shared_key",
                 exchange="main, aggressive"):
        conf = CONF.format(group=group, cipher=cipher, more=more, top=top, method=method, exchange=exchange)
        super().__init__(node, conf, f"# identifier and key\n{peer} {key}\n", psk_mode=mode)


def faq_hosts(lab):
    """Each with a testudod; the policies cover everything between them."""
    left, right, wire = two_hosts(lab)
    for node, here, there in ((left, LEFT, RIGHT), (right, RIGHT, LEFT)):
        node.start_testudod()
        node.setkey(transport(here, there))
    return left, right, wire
