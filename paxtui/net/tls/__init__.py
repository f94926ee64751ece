"""Who may come in: mutual TLS 1.3 between all that talk to each other, and roles that certificates state.

A cluster has an authority of its own (`paxtui certs init`). Both sides of a connection show a certificate
that this authority signed. Each certificate states one role as a URI, such as ``paxtui:replica/1`` or
``paxtui:operator/eve``; a connection can do what that role allows and no more.

A replica's certificate names its id and no host: what counts is which replica it is, not where it runs. So
certificates outlive moves, tunnels and containers, and a program that dials replica 1 takes no other for it.

- ``credentials``: files to TLS contexts; read again while connections go on
- ``errors``: what went wrong, for people
- ``stream``: a TCP stream to a TLS stream, from both ends
- ``authority``: making certificates; the only module that needs the library ``cryptography``

Where certificates and keys lie is in :mod:`paxtui.config.tls_files`; what a certificate states, in
:mod:`paxtui.config.identity`; what each role may do, in
:mod:`paxtui.replica.sessions.authorization`, beside the code that obeys it.
"""
