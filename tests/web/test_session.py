"""Who is let in: by the cookie, by the token of the terminal any time, by the token for a browser once."""

from dropscribe.web.session import Session


def test_a_token_for_a_browser_is_good_once() -> None:
    session = Session()
    token = session.single_use_token()

    assert session.admits(token)
    assert not session.admits(token)


def test_the_token_of_the_terminal_stays_good() -> None:
    session = Session()

    assert session.admits(session.token)
    assert session.admits(session.token)


def test_nothing_else_is_let_in() -> None:
    session = Session()

    assert not any(map(session.admits, ("", "x", session.cookie, session.token[:-1], "\ud800")))
    assert not any(map(session.knows, ("", session.token, session.cookie + "x", "ä")))
    assert session.knows(session.cookie)


def test_every_process_has_secrets_of_its_own() -> None:
    assert len({Session().cookie, Session().cookie, Session().token, Session().token}) == 4
