"""HEIC files, made once by pillow-heif 1.8.1 from the pictures of these tests: no encoder may be installed.

That of HEVC in its wheels is x265, under the GPL; pi-heif, which is what the product uses, only reads.
"""

import base64
import zlib

PRIMARY = 233  # where the number of the picture to be shown stands in `three`

_WORD = """
eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYExLDe1JJEBAhQzUnKKoGyGgszkEgY0oJSZkw82xMWBgREIgYCxCkIzMDBFAgnlzMy8NDAXJCoK5KQy
QXkZZcmGICZfQWZJLlzJtcyCogIgvT2zIDkfSFcAlTkzMoOEJoAVyX1g+PP3xw8GBn7mBKAOCQdGHsb//0EKmEEqmEFIbheTQyJQUtuJkRFNZoGcQmDq
rkle2bMb2pqZQEJGIIJJIAmont2F8WDRhiQHoDXCyfk5RXnJORVAYV4GtgagkEhmcUEq1OcfgDgAiAUKMisyQQLMHBwcQEo8syAXFnzAEGFpZGJmAQZF
Ym5KIjD0mEI1GNcLOy3+USn35/EVG7FTP+PeOrDX7Lg3TTJWX85eo1BV66LB4ccscjv6Xwp6X+g2/HT8Ot9r9a5HWfsLd74xmJNh/ivXpOXy15snm5v6
H55IZ9qhs023//uD9P//iv7bLN+hVzDx8UzGrgVMYvtebqheOW3qjS2Kk44+mPf6QMWn1w9Plj5nyE12NPJJMxaKvWi7lDv37npNrgWz4y+7iCx2tn4d
Xf3x2+pdOxS55/xcVSZpl7IieMGPB9v87rvePR+7Z4F9hbJZ9k9O87SjM5LX31fo5tZ3XrYhoubQft+TEjNclRZsZw4rc8pboZJjELUzYqblYvFjhexT
r8y5eGW5grPd9LhTe3uEdHmco5csuLXs1hkFPa0j3VsMI59/vCe4SqovbHrph3mfAz8nHX9zNOl63H/p/iU/RNZwrahRNGtYMtvhgt8HkTe3tC+Vpp3W
Knwi8HTFM/9+i/5NOm/er73nfkFztYglR4vMu/4468YrPifPv5wieTyhwbf/5tr1Ile0xcUsYs88Nb0nvWjrx1ztas68WsvUq3q/nxtMVZl5KWG6W64B
8+USXeWp5zuKr35cp/1LkfGaYvbdx15t03eku+31eC4rGzztpuSkVfOiU/JP/Lvo1tpqXqz479Cnk6rXsxd+NXZbzOz07rtOlhznSW6FHWcON2Sn+wiK
ZJ0QTMjWi37W0ivREv94urv+zinT2087Z2/8664VVjY54mxa+66jvCJaIToCM2Yr8nydfjNhg5zbxBex4qurz7554phVurV1mdE/VolHbC8FN8x/dv3i
S8sfZ5R3n6l4o7J8WYLyg3vajkyzGZx0HBjiGqY3AAB2SG5c
"""

_THREE = """
eNpjYGCQSSupLMhIzUxmAILczDRDEDs3MzGNgYFxU25qSSIDBChmpOQUQdkMBZnJJQxowC0zJx9siIsDAzMDI4jFeA1CMzAwrWNgAtEsLXCRaUBVQMAu
BRepAhK+mZl5aWAuSFYUyEkFawSqyShLNmRAEWTCJsiMEOQryCzJZYBqZ3iSWVBUAKS3ZxYk5wPpCqAyZ0ZmkNAEsCK5Dwx//v74wcDAz5wA1CHhwMjD
+P8/SAEzSAUzCMntYnJIBEpqOzEyoskskFMITN01ySt7dkNbMxNIyAhEMAkkAdWzuzAeLNqQ5AC0Rjg5P6coLzmnAijMy8DWABQSySwuSIWG4wcgDgBi
gYLMikywhzg4OICUamZBLiwygOHL0sjEzMLABKGYIRQD+7HclERgzDCt0mBcL+y0/Eel3J/HV2zETv2Me+vAXrPj3jTJWH05e41CVa2LBocfs8jt6H8p
6H2h2/DT8et8r9W7HmXtL9z5xmBOhvmvXJOWy19vnmxu6n94Ip1ph8423f7vD9L//yv6b7N8h17BxMczGbsWMInte7mheuW0qTe2KE46+mDe6wMVn14/
PFn6nCE32dHIJ81YKPai7VLu3LvrNbkWzI6/7CKy2Nn6dXT1x2+rd+1Q5J7zc1WZpF3KiuAFPx5s87vvevd87J4F9hXKZtk/Oc3Tjs5IXn9foZtb33nZ
hoiaQ/t9T0rMcFVasJ05rMwpb4VKjkHUzoiZlovFjxWyT70y5+KV5QrOdtPjTu3tEdLlcY5esuDWsltnFPS0jnRvMYx8/vGe4CqpvrDppR/mfQ78nHT8
zdGk63H/pfuX/BBZw7WiRtGsYclshwt+H0Te3NK+VJp2WqvwicDTFc/8+y36N+m8eb/2nvsFzdUilhwtMu/646wbr/icPP9yiuTxhAbf/ptr14tc0RYX
s4g989T0nvSirR9ztas582otU6/q/X5uMFVl5qWE6W65BsyXS3SVp57vKL76cZ32L0XGa4rZdx97tU3fke621+O5rGzwtJuSk1bNi07JP/Hvoltrq3mx
4r9Dn06qXs9e+NXYbTGz07vvOllynCe5FXacOdyQne4jKJJ1/P9JSbGfJ85esK9Uqkxfsap/cdOimJ0bnQQ5Si/nGx7SW7G5+cA2OyX+qrha+f/t9vLC
WzmmxWye+Dbk2XojtqVzvLVdGg7Kt57+xNEbXfTxLOOPMF7B8LULt197l/+r819/mJCS3+5l5iFtyflf0/ruO3wTOTd3yTphU8/uTTtbbohwRKlaxf1l
V1z87FuRwlaWVxbXn1VtP/FsS6AHT9zLogVsHoy/L+/3Svxnn1A692Xxehlp+z2vq+u237p1TGeOx1Je1YQPJh5iG4CpdRI4tS7LGE2twz+1SlSG7r63
ueLjjywb8wmf8rfKsckrv5fhmeezb1Wr/0OB3y1FzBcWL7qpUDrvxw3G+HPnyzf8bznh/uXCH8ctlbOE+769Ml6s16t589rr6ZHFb90Kz6f//f5u8qm9
Wz0Krz+84y32LbiP4Ujvnepvegs+vfL6HR1mrcjaGCL2/PDDy4GpUS8PSjMsbLhcVlDDdqvkig1LiWyA1mQxJ+2Zb1xOyJhmJwusFjXqbFoSagwslJnK
wKlyyWgZOsxT5QnBhGy96GdN1du8/szj2+aWG/JW922gzKW6s5sLJ1QvNY0XXrN3U9PBnl0my9Oj18Wmnt8elbzCP+eJ461llWuWHo9vL9SJvulnwSy2
db/O01tr3E2Tg9jrXJ9HbFv4aIbO0lupsbpcl6xE5WQbJk+q/vbA9sH6Gzud2eJPsHolO12oPRrVJHC3/sjx9dMbzxy6XnLAXgEA8eg07A==
"""


def word() -> bytes:
    """Return `image_files.written()`."""
    return zlib.decompress(base64.b64decode(_WORD))


def three(primary: int = 0) -> bytes:
    """Return that picture three times with a bar of its own in each; *primary* (from 0) is the one to be shown."""
    content = bytearray(zlib.decompress(base64.b64decode(_THREE)))
    content[PRIMARY] += primary
    return bytes(content)
